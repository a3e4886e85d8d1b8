using System.Text;
using Core.Tests.Support;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class SweepReaderTests
{
    internal const string Whole = """
        # every field that there is
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: flipbit-n, namespace: lab, labels: {team: rl}}
        spec:
          base:   {algorithm: hem, iterations: 80, stopAt: {successRate: 0.99, evaluations: 3}}
          cases:
          - {task: flipbit-25, batchSize: 32}
          - task: "flipbit-50"
          grid:
            N: [5, 10, 20.0, 40, 80]
            start:
            - uniform
            - zeros
          exclude: [{task: flipbit-25, N: 80}]
          seeds:  {count: 5}
          parallelism: 8
          retries: {failures: 2, disruptions: 50}
          budget: {wallClock: 1h30m, gpuHours: 200.5}
          suspend: true
          ttlSecondsAfterFinished: 604800
          trainer:
            gpus: 0
            threads: 2
            kernels: 256
            overrides: [{match: {task: flipbit-50}, gpus: 1, image: "big:1"}]
            command: [python3, train.py, "--fast"]
            image: hem-trainer:1
            resources: {limits: {memory: 2Gi, cpu: 1}}
            nodeSelector: {zone: a}
            tolerations: [{key: gpu, operator: Exists}]
            priorityClassName: low
            runtimeClassName: nvidia
            queueName: lab
            volumes: [{name: data, persistentVolumeClaim: {claimName: sets, readOnly: true}}]
            volumeMounts: [{name: data, mountPath: /data}]
            checkpoints: {every: 90s, claimName: claim}
        """;

    [Fact]
    public void Every_field_is_read()
    {
        var sweep = Read(Whole);
        sweep.Metadata.Name.ShouldBe("flipbit-n");
        var spec = sweep.Spec;
        spec.Base.ToJson().ShouldBe("""{"algorithm":"hem","iterations":80,"stopAt":{"evaluations":3,"successRate":0.99}}""");
        spec.Cases.Select(set => set.ToJson()).ShouldBe(["""{"batchSize":32,"task":"flipbit-25"}""", """{"task":"flipbit-50"}"""]);
        spec.Grid.Select(axis => axis.Name).ShouldBe(["N", "start"]);
        spec.Grid[0].Values.ShouldBe([5, 10, 20, 40, 80]);
        spec.Exclude.ShouldHaveSingleItem().ToJson().ShouldBe("""{"N":80,"task":"flipbit-25"}""");
        spec.Seeds.List.ShouldBe([1, 2, 3, 4, 5]);
        spec.Parallelism.ShouldBe(8);
        spec.Retries.ShouldBe(new RetrySpec(2, 50));
        spec.Budget.ShouldBe(new BudgetSpec(TimeSpan.FromMinutes(90), 200.5));
        spec.Suspend.ShouldBeTrue();
        spec.TtlSecondsAfterFinished.ShouldBe(604_800);
        var trainer = spec.Trainer;
        (trainer.Gpus, trainer.Threads, trainer.Kernels).ShouldBe((0, 2, "256"));
        trainer.Command.ShouldBe(["python3", "train.py", "--fast"]);
        trainer.Checkpoints.ShouldBe(new CheckpointSpec(TimeSpan.FromSeconds(90), "claim"));
        trainer.Pod.Image.ShouldBe("hem-trainer:1");
        trainer.Pod.Resources!.ToJson().ShouldBe("""{"limits":{"cpu":"1","memory":"2Gi"}}""");
        trainer.Pod.NodeSelector!.ToJson().ShouldBe("""{"zone":"a"}""");
        trainer.Pod.Volumes!.ToJson().ShouldBe("""[{"name":"data","persistentVolumeClaim":{"claimName":"sets","readOnly":true}}]""");
        trainer.Pod.VolumeMounts!.ToJson().ShouldBe("""[{"mountPath":"/data","name":"data"}]""");
        trainer.Pod.Tolerations!.ToJson().ShouldBe("""[{"key":"gpu","operator":"Exists"}]""");
        (trainer.Pod.PriorityClassName, trainer.Pod.RuntimeClassName, trainer.Pod.QueueName).ShouldBe(("low", "nvidia", "lab"));
        var big = trainer.For(ParameterSet.Of(("algorithm", "hem"), ("task", "flipbit-50")));
        (big.Gpus, big.Device, big.Pod.Image, big.Pod.QueueName).ShouldBe((1, "cuda", "big:1", "lab"));
    }

    [Fact]
    public void What_is_not_written_has_the_documented_default()
    {
        var spec = Read(Minimal("grid: {}")).Spec;
        spec.Retries.ShouldBe(new RetrySpec(3, 100));
        spec.Parallelism.ShouldBeNull();
        spec.Budget.ShouldBeNull();
        spec.Suspend.ShouldBeFalse();
        spec.Trainer.Checkpoints.Every.ShouldBe(TimeSpan.FromSeconds(60));
        (spec.Trainer.Threads, spec.Trainer.Device, spec.Trainer.Kernels, spec.Trainer.Command).ShouldBe(((int?)null, "cpu", "auto", null));
    }

    [Fact]
    public void JSON_is_read_like_YAML_with_tabs_and_all()
    {
        var json = """
            {
            	"apiVersion": "hem.dev/v1alpha1", "kind": "HemSweep", "metadata": {"name": "x"},
            	"spec": {"base": {"algorithm": "hem", "task": "flipbit-5"}, "grid": {"N": [5, 1e1]}, "seeds": {"values": [7, 3]}}
            }
            """;
        foreach (var name in new[] { "x.json", "x.yaml" })
        {
            var sweep = SweepReader.Read(json, name).Sweep.ShouldNotBeNull();
            sweep.Spec.Grid[0].Values.ShouldBe([5, 10]);
            sweep.Spec.Seeds.List.ShouldBe([7, 3]);
        }
        var fault = SweepReader.Read(json.Replace("1e1", "0"), "x.json").Faults.ShouldHaveSingleItem();
        (fault.Path, fault.Line).ShouldBe(("spec.grid.N[1]", 3));
    }

    [Fact]
    public void YAML_in_braces_is_read_too() =>
        Read("{apiVersion: hem.dev/v1alpha1, kind: HemSweep, metadata: {name: x}, spec: {base: {algorithm: hem}, seeds: {count: 2}}}")
            .Spec.Seeds.Total.ShouldBe(2);

    [Fact]
    public void Every_fault_of_a_file_is_named_at_once_with_its_line()
    {
        var faults = Faults("""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweeps
            metadata: {name: Flip_Bit}
            spec:
              base: {algorithm: hme, iteratons: 80}
              grid:
                N: [5, 0, twenty]
                batchsize: [3]
              seeds: {count: 0}
              paralelism: 8
              budget: {wallClock: 12}
            """);
        faults.Select(fault => $"{fault.Line} {fault.Path} {fault.Suggestion}".TrimEnd()).ShouldBe(
        [
            "2 kind", "3 metadata.name", "5 spec.base.algorithm hem", "5 spec.base.iteratons iterations",
            "7 spec.grid.N[1]", "7 spec.grid.N[2]",
            "8 spec.grid.batchsize batchSize", "9 spec.seeds.count", "10 spec.paralelism parallelism", "11 spec.budget.wallClock",
        ], ignoreOrder: true);
        faults.Select(fault => fault.Line!.Value).ShouldBeInOrder();
        var zero = faults.Single(fault => fault.Path == "spec.grid.N[1]");
        zero.Value.ShouldBe("0");
        zero.ToString().ShouldBe("line 7: spec.grid.N[1]: 0 is not allowed: N is a whole number from 1 to 10,000");
    }

    [Theory]
    [InlineData("seeds: {count: 5, values: [1]}", "spec.seeds", "either count")]
    [InlineData("seeds: {}", "spec.seeds", "either count")]
    [InlineData("seeds: {values: [1, 1]}", "spec.seeds.values[1]", "twice")]
    [InlineData("seeds: {values: [-1]}", "spec.seeds.values[0]", "from 0")]
    [InlineData("seeds: {values: []}", "spec.seeds.values", "not be empty")]
    [InlineData("seeds: 5", "spec.seeds", "object with the fields count, values")]
    [InlineData("parallelism: 0", "spec.parallelism", "from 1 to 100,000")]
    [InlineData("parallelism: 1.5", "spec.parallelism", "whole number")]
    [InlineData("suspend: yes", "spec.suspend", "write true or false")]
    [InlineData("suspend: \"true\"", "spec.suspend", "true or false")]
    [InlineData("retries: {failure: 1}", "spec.retries.failure", "failures, disruptions")]
    [InlineData("retries: {failures: -1}", "spec.retries.failures", "from 0")]
    [InlineData("budget: {gpuHours: 0}", "spec.budget.gpuHours", "number from")]
    [InlineData("budget: {wallClock: 1x}", "spec.budget.wallClock", "1h30m")]
    [InlineData("cases: []", "spec.cases", "must not be empty")]
    [InlineData("cases: {N: 5}", "spec.cases", "must be a list")]
    [InlineData("cases: [5]", "spec.cases[0]", "object of parameters")]
    [InlineData("exclude: [{}]", "spec.exclude[0]", "drop everything")]
    [InlineData("grid: [5]", "spec.grid", "each parameter with a list")]
    [InlineData("grid: {N: 5}", "spec.grid.N", "list of at least one")]
    [InlineData("grid: {N: []}", "spec.grid.N", "list of at least one")]
    [InlineData("grid: {N: [020]}", "spec.grid.N[0]", "without leading zeros")]
    [InlineData("grid: {N: [1_000]}", "spec.grid.N[0]", "without '_'")]
    [InlineData("grid: {N: [\"20\"]}", "spec.grid.N[0]", "without quotes")]
    [InlineData("grid: {N: [~]}", "spec.grid.N[0]", "has no value")]
    [InlineData("grid: {N: [.inf]}", "spec.grid.N[0]", "finite")]
    [InlineData("grid: {N: [1e999]}", "spec.grid.N[0]", "too large")]
    [InlineData("grid: {N: [!!int 5]}", "spec.grid.N[0]", "leave the tag out")]
    [InlineData("grid: {N: !mine [5]}", "spec.grid.N", "leave the tag out")]
    [InlineData("grid: {N: [5], N: [6]}", "spec.grid.N", "given twice")]
    [InlineData("grid: {N: [&a 5, *a]}", "spec.grid.N[1]", "alias")]
    [InlineData("grid: {<<: {N: [5]}}", "spec.grid", "write the fields out")]
    [InlineData("grid: {[N]: [5]}", "spec.grid", "plain text")]
    [InlineData("trainer: {command: python3}", "spec.trainer.command", "must be a list")]
    [InlineData("trainer: {command: [python3, 3]}", "spec.trainer.command[1]", "quotes")]
    [InlineData("trainer: {overrides: [{gpus: 1}]}", "spec.trainer.overrides[0].match", "missing")]
    [InlineData("trainer: {overrides: [{match: {tsk: a}}]}", "spec.trainer.overrides[0].match.tsk", "no parameter")]
    [InlineData("trainer: {checkpoints: {every: 60}}", "spec.trainer.checkpoints.every", "90s")]
    [InlineData("trainer: {gpu: 1}", "spec.trainer.gpu", "no such field")]
    [InlineData("trainer: {kernels: 64}", "spec.trainer.kernels", "512, 256 or 128")]
    [InlineData("trainer: {resources: [1]}", "spec.trainer.resources", "must be an object")]
    [InlineData("trainer: {resources: {limits: {memory: lots}}}", "spec.trainer.resources.limits.memory", "500m or 4Gi")]
    [InlineData("trainer: {tolerations: [{operater: Exists}]}", "spec.trainer.tolerations[0].operater", "no such field")]
    [InlineData("trainer: {tolerations: [{effect: Never}]}", "spec.trainer.tolerations[0].effect", "NoSchedule or PreferNoSchedule")]
    [InlineData("trainer: {queueName: My Queue}", "spec.trainer.queueName", "lower-case letters")]
    [InlineData("trainer: {serviceAccountName: My Account}", "spec.trainer.serviceAccountName", "lower-case letters")]
    [InlineData("trainer: {imagePullPolicy: Sometimes}", "spec.trainer.imagePullPolicy", "Always or IfNotPresent or Never")]
    [InlineData("trainer: {imagePullSecrets: [registry]}", "spec.trainer.imagePullSecrets[0]", "an object with the fields name")]
    [InlineData("trainer: {labels: {hem.dev/sweep: x}}", "spec.trainer.labels.hem.dev/sweep", "hem.dev/ is the operator's own")]
    [InlineData("trainer: {labels: {batch.kubernetes.io/job-name: x}}", "spec.trainer.labels.batch.kubernetes.io/job-name", "own")]
    [InlineData("trainer: {overrides: [{match: {}, labels: {job-name: x}}]}", "spec.trainer.overrides[0].labels.job-name", "own")]
    [InlineData("trainer: {labels: {kueue.x-k8s.io/queue-name: x}}", "spec.trainer.labels.kueue.x-k8s.io/queue-name", "own")]
    [InlineData("trainer: {annotations: {hem.dev/stop: x}}", "spec.trainer.annotations.hem.dev/stop", "operator's own")]
    [InlineData("trainer: {annotations: {safe-to-evict: false}}", "spec.trainer.annotations.safe-to-evict", "true in quotes")]
    [InlineData("trainer: {labels: {a b: x}}", "spec.trainer.labels.a b", "DNS name")]
    [InlineData("trainer: {labels: {a: b c}}", "spec.trainer.labels.a", "at most 63")]
    [InlineData("trainer: {nodeSelector: {/a: x}}", "spec.trainer.nodeSelector./a", "DNS name")]
    [InlineData("trainer: {env: [{name: HEM_TRIAL, value: x}]}", "spec.trainer.env[0].name", "begin with HEM_")]
    [InlineData("trainer: {env: [{name: A, value: 1}]}", "spec.trainer.env[0].value", "in quotes")]
    [InlineData("trainer: {env: [{name: A, value: a, valueFrom: {secretKeyRef: {name: s, key: k}}}]}", "spec.trainer.env[0]",
        "at most one of value, valueFrom")]
    [InlineData("trainer: {env: [{name: A, valueFrom: {}}]}", "spec.trainer.env[0].valueFrom", "exactly one of configMapKeyRef")]
    [InlineData("trainer: {envFrom: [{prefix: A}]}", "spec.trainer.envFrom[0]", "exactly one of configMapRef, secretRef")]
    [InlineData("trainer: {affinity: {nodeAfinity: {}}}", "spec.trainer.affinity.nodeAfinity", "no such field")]
    [InlineData("trainer: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}}",
        "spec.trainer.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", "missing")]
    [InlineData("trainer: {volumes: [{name: data}]}", "spec.trainer.volumes[0]", "exactly one of persistentVolumeClaim, configMap")]
    [InlineData("trainer: {volumes: [{name: data, hostPath: {path: /}}]}", "spec.trainer.volumes[0].hostPath", "no such field")]
    [InlineData("trainer: {volumes: [{emptyDir: {}}]}", "spec.trainer.volumes[0].name", "missing")]
    [InlineData("trainer: {volumes: [{name: a, nfs: {server: s}}]}", "spec.trainer.volumes[0].nfs.path", "missing")]
    [InlineData("trainer: {volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]}", "spec.trainer.volumes[1].name", "must differ")]
    [InlineData("trainer: {volumes: [{name: hem-a, emptyDir: {}}]}", "spec.trainer.volumes[0].name", "the operator's own")]
    [InlineData("trainer: {volumeMounts: [{name: a, mountPath: /a}]}", "spec.trainer.volumeMounts[0].name", "one of volumes")]
    [InlineData("trainer: {volumes: [{name: A, emptyDir: {}}], volumeMounts: [{name: b, mountPath: /b}]}",
        "spec.trainer.volumes[0].name", "lower-case letters")]
    [InlineData("trainer: {volumes: [{name: a, emptyDir: {}}], overrides: [{match: {}, volumeMounts: [{name: a, mountPath: a}]}]}",
        "spec.trainer.overrides[0].volumeMounts[0].mountPath", "a whole path")]
    public void A_fault_says_where_and_what_is_allowed(string line, string path, string message)
    {
        var fault = Faults(Minimal(line)).ShouldHaveSingleItem();
        fault.Path.ShouldBe(path);
        fault.Message.ShouldContain(message);
        fault.Line.ShouldBe(7);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("  \n# nothing\n", "is empty")]
    [InlineData("---\n", "must be an object")]
    [InlineData("hello", "must be an object")]
    [InlineData("a: b: c", "not valid YAML")]
    [InlineData("spec:\n\tbase: {}", "tabs")]
    [InlineData("spec: {a: [}", "not valid YAML")]
    [InlineData("spec: \0", "U+0000")]
    [InlineData("%YAML 99999999999.1\n---\na: b", "not valid YAML")]
    [InlineData("a: *nowhere", "no such field")]
    public void A_file_that_is_no_sweep_is_told_so(string text, string message) =>
        SweepReader.Read(text, "x.yaml").Faults.ShouldContain(fault => fault.Message.Contains(message));

    [Theory]
    [InlineData("a:\n  b: 1\n  c: 2\n\td: 3\n", 4)]
    [InlineData("a:\n  b: 1\n\n  c:\n    d: 1\n\te: 3\nf: 1\n", 6)]
    [InlineData("a: 1\n\tb: 2\n", 2)]
    [InlineData("a:\n  b: 1\n c: 2\n", 3)]
    [InlineData("a: 1\nb: [1,\n  2\nc: 3\n", 4)]
    [InlineData("a: 1\nb: \"open\nc: 3\n", 2)]
    [InlineData("a: 1\nb: c: d\n", 2)]
    public void A_fault_of_the_YAML_itself_has_the_line_that_is_wrong(string text, int line)
    {
        var fault = Faults(text).ShouldHaveSingleItem();
        fault.Message.ShouldStartWith("not valid YAML");
        fault.Line.ShouldBe(line, fault.Message);
    }

    [Theory]
    [InlineData("retries: {failures: 5000}", "spec.retries.failures: 5000 must be a whole number from 0 to 1,000")]
    [InlineData("parallelism: many", "spec.parallelism: \"many\" must be a whole number from 1 to 100,000")]
    [InlineData("budget: {wallClock: 12}", "spec.budget.wallClock: 12 must be ")]
    [InlineData("suspend: 1", "spec.suspend: 1 must be true or false")]
    [InlineData("cases: {N: 5}", "spec.cases: an object must be a list of at most 10,000 entries")]
    [InlineData("trainer: {kernels: 64}", "spec.trainer.kernels: 64 must be auto, 512, 256 or 128")]
    [InlineData("exclude: [{}]", "spec.exclude[0]: {} names no parameter")]
    [InlineData("grid: {N: [0]}", "spec.grid.N[0]: 0 is not allowed: N is a whole number")]
    [InlineData("grid: {algorithm: [hme]}", "spec.grid.algorithm[0]: \"hme\" is not allowed: algorithm is ")]
    [InlineData("paralelism: 8", "spec.paralelism: there is no such field; ")]
    public void A_fault_is_a_sentence_with_the_value_in_it(string line, string text)
    {
        var fault = Faults(Minimal(line)).ShouldHaveSingleItem();
        fault.ToString().ShouldStartWith($"line 7: {text}");
        if (fault.Suggestion is { } name) fault.ToString().ShouldEndWith($" (did you mean '{name}'?)");
    }

    [Fact]
    public void Half_a_character_is_refused() =>  // no inline data: it would not survive the way through the test runner
        SweepReader.Read("spec: \ud800", "x.yaml").Faults.ShouldHaveSingleItem().Message.ShouldContain("U+D800");

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("{\"a\": 1,}", "not valid JSON")]
    [InlineData("{\"a\": \"\\ud800\"}", "not valid JSON")]
    [InlineData("{\"kind\": \"HemSweep\", \"kind\": \"HemSweep\"}", "given twice")]
    public void A_JSON_file_that_is_no_sweep_is_told_so(string text, string message) =>
        SweepReader.Read(text, "x.json").Faults.ShouldContain(fault => fault.Message.Contains(message));

    [Fact]
    public void A_second_document_is_refused() =>
        Faults(Whole + "\n---\na: b\n").ShouldContain(fault => fault.Message.Contains("more than one document"));

    [Fact]
    public void A_missing_part_is_named_and_what_to_write_there()
    {
        Faults("spec: {base: {algorithm: hem}}").Select(fault => fault.Path)
            .ShouldBe(["apiVersion", "kind", "metadata", "spec.seeds"], ignoreOrder: true);
    }

    [Fact]
    public void Faults_of_the_file_and_of_its_trials_come_together()
    {
        var (_, _, faults) = SweepReader.Load(Encoding.UTF8.GetBytes("""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: x}
            spec:
              base:
                algorithm: hem
                task: flipbit-5
                imageSize: 48
                N: none
              cases: [{updates: 10}]
              grid: {updates: [10, 20]}
              seeds: {count: 1}
            """), "x.yaml");
        faults.Select(fault => $"{fault.Line} {fault.Path}").ShouldBe(["9 spec.base.N", "11 spec.grid.updates"], ignoreOrder: true);
    }

    [Fact]
    public void A_typo_is_not_reported_a_second_time_as_something_missing()
    {
        var (_, _, faults) = SweepReader.Load(Encoding.UTF8.GetBytes("""
            apiVersion: hem.dev/v1alpha1
            kind: HemSweep
            metadata: {name: x}
            spec:
              base: {algoritm: hem, task: flipbit-5, N: 5}
              exclude: [{N: 7, tsk: flipbit-5}]
              seeds: {count: 1}
            """), "x.yaml");
        faults.Select(fault => fault.Path).ShouldBe(["spec.base.algoritm", "spec.exclude[0].tsk"]);
    }

    [Fact]
    public void Faults_of_the_trials_have_lines_too()
    {
        var text = Minimal("grid:\n    N: [5, 10]\n    eta: [0.1, 0.2]\n  exclude: [{N: 7}]");
        var (_, _, faults) = SweepReader.Load(Encoding.UTF8.GetBytes(text), "x.yaml");
        faults.Select(fault => $"{fault.Line} {fault.Path}").ShouldBe(["9 spec.grid.eta", "10 spec.exclude[0]"]);
    }

    [Fact]
    public void A_sweep_written_as_JSON_reads_back_as_the_same_sweep()
    {
        var sweep = Read(Whole);
        var again = SweepReader.Read(sweep.ToJson(), "x.json");
        again.Faults.ShouldBeEmpty();
        again.Sweep!.ToJson().ShouldBe(sweep.ToJson());
        again.Sweep.Spec.Budget.ShouldBe(sweep.Spec.Budget);
        again.Sweep.Spec.Trainer.Pod.ShouldBe(sweep.Spec.Trainer.Pod);
        again.Sweep.Spec.Trainer.Overrides[0].Pod.ShouldBe(sweep.Spec.Trainer.Overrides[0].Pod);
        Expansion.Expand(again.Sweep).Trials.ShouldBe(Expansion.Expand(sweep).Trials);
        foreach (var field in Whole.Split('\n').Skip(4).Select(line => line.Trim().Split(':')[0]).Where(name => name.All(char.IsLetter)))
            sweep.ToJson().ShouldContain($"\"{field}\":");
    }

    [Fact]
    public void A_good_file_loads_into_its_trials()
    {
        var (sweep, expansion, faults) = SweepReader.Load(Encoding.UTF8.GetBytes(Whole), "x.yaml");
        faults.ShouldBeEmpty();
        sweep!.Metadata.Name.ShouldBe("flipbit-n");
        expansion!.Configurations.Count.ShouldBe((2 * 5 * 2) - 2);
        expansion.Trials.Count.ShouldBe(18 * 5);
    }

    /// <summary>A sweep with one more line, its seventh; a line for seeds stands in for the usual one.</summary>
    internal static string Minimal(string line) => $$"""
        apiVersion: hem.dev/v1alpha1
        kind: HemSweep
        metadata: {name: x}
        spec:
          base: {algorithm: hem, task: flipbit-5}
          {{(line.StartsWith("seeds", StringComparison.Ordinal) ? "suspend: false" : "seeds: {count: 2}")}}
          {{line}}
        """;

    private static HemSweep Read(string text)
    {
        var read = SweepReader.Read(text, "x.yaml");
        read.Faults.ShouldBeEmpty();
        return read.Sweep.ShouldNotBeNull();
    }

    private static IReadOnlyList<Fault> Faults(string text)
    {
        var read = SweepReader.Read(text, "x.yaml");
        read.Sweep.ShouldBeNull();
        return read.Faults;
    }
}
