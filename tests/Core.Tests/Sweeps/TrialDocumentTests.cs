using System.Text.Json;
using Core.Tests.Support;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class TrialDocumentTests
{
    private static TrialDocument Example()
    {
        var sweep = Sweep.Named("quick").Grid("N", 5, 10).Trainer(new TrainerTemplate { Threads = 2, Kernels = "256" });
        var expansion = sweep.Expand();
        return TrialDocument.For(sweep, expansion.Trials[0], expansion.Configurations[0].Label);
    }

    [Fact]
    public void A_document_is_read_as_it_was_written()
    {
        var document = Example();
        var read = TrialDocument.Parse(document.ToJson());
        read.Faults.ShouldBeEmpty();
        read.Document.ShouldBe(document);
    }

    [Fact]
    public void It_is_the_JSON_that_the_contract_shows()
    {
        using var json = JsonDocument.Parse(Example().ToJson());
        var root = json.RootElement;
        root.EnumerateObject().Select(field => field.Name)
            .ShouldBe(["apiVersion", "sweep", "name", "seed", "configuration", "parameters", "trainer"]);
        root.GetProperty("apiVersion").GetString().ShouldBe("hem.dev/v1alpha1");
        root.GetProperty("sweep").GetString().ShouldBe("quick");
        root.GetProperty("name").GetString()!.ShouldStartWith("quick-");
        root.GetProperty("seed").GetInt32().ShouldBe(1);
        root.GetProperty("configuration").GetString().ShouldBe("N=5");
        root.GetProperty("parameters").GetProperty("N").GetInt32().ShouldBe(5);
        root.GetProperty("parameters").GetProperty("workers").GetInt32().ShouldBe(30);
        root.GetProperty("trainer").GetRawText().ShouldBe("""{"threads":2,"device":"cpu","kernels":"256","checkpointSeconds":60}""");
    }

    [Fact]
    public void Parameters_and_settings_that_are_left_out_get_their_defaults()
    {
        var read = TrialDocument.Parse("""
            {"apiVersion":"hem.dev/v1alpha1","sweep":"s","name":"s-1","seed":4,
             "parameters":{"algorithm":"hem","task":"fourrooms"},"later":1}
            """);
        read.Faults.ShouldBeEmpty();
        read.Document!.Parameters["N"].ShouldBe(20);
        read.Document.Configuration.ShouldBeNull();
        read.Document.Trainer.ShouldBe(new TrainerSettings(1, "cpu", "auto", 60));
    }

    [Fact]
    public void Every_fault_is_named_at_once()
    {
        var read = TrialDocument.Parse("""
            {"apiVersion":"hem.dev/v2","sweep":"","name":"x","seed":-1,
             "parameters":{"algorithm":"hme","task":"flipbit-25","N":0,"worker":3,"eta":null},
             "trainer":{"threads":0,"device":"tpu","kernels":"auto","checkpointSeconds":"60"}}
            """);
        read.Document.ShouldBeNull();
        read.Faults.Select(fault => fault.Path).Order(StringComparer.Ordinal).ShouldBe(
        [
            "apiVersion", "parameters.N", "parameters.algorithm", "parameters.eta", "parameters.worker", "seed", "sweep",
            "trainer.checkpointSeconds", "trainer.device", "trainer.threads",
        ]);
        read.Faults.Single(fault => fault.Path == "parameters.algorithm").Suggestion.ShouldBe("hem");
        read.Faults.Single(fault => fault.Path == "parameters.worker").Suggestion.ShouldBe("workers");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"seed\":1,\"seed\":1}")]
    [InlineData("{\"sweep\":\"\\ud800\"}")]
    [InlineData("{\"parameters\":{\"N\":1e999}}")]
    [InlineData("{\"parameters\":{\"\\ud800\":1}}")]
    [InlineData("{\"parameters\":[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]}")]
    [InlineData("{\"a\":1} x")]
    public void Text_that_is_no_trial_is_a_fault_and_no_exception(string json)
    {
        var read = TrialDocument.Parse(json);
        read.Document.ShouldBeNull();
        read.Faults.ShouldNotBeEmpty();
    }

    [Fact]
    public void Broken_documents_never_throw()
    {
        var random = new Random(5);
        var whole = Example().ToJson();
        for (var i = 0; i < 5_000; i++)
        {
            var read = TrialDocument.Parse(Mutations.Of(whole, random));
            (read.Document is null).ShouldBe(read.Faults.Count > 0);
        }
    }
}
