using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Hem.Kubernetes.Tests.Client;

public class ReaderTests
{
    [Theory]
    [InlineData("""{"type":"ADDED","object":{"metadata":{"name":"a"},"data":{"k":"v"}}}""")]
    [InlineData("""{"object":{"metadata":{"name":"a"},"data":{"k":"v"}},"type":"ADDED"}""")]
    [InlineData("""{"x":[{"type":1}],"type":"ADDED","object":{"metadata":{"name":"a"},"y":[1,{}],"data":{"k":"v"}},"z":null}""")]
    public void An_event_is_read_whatever_the_order_of_its_fields_and_however_it_came_in_pieces(string line)
    {
        foreach (var piece in (int[])[1, 2, 3, 7, 1000])
        {
            var buffer = Pieces(line + "\n{", piece);
            WatchReader.TryReadLine(ref buffer, out var read).ShouldBeTrue();
            var change = WatchReader.Read(read, Resources.ConfigMaps, "GET /x")!.Value;
            change.Type.ShouldBe(WatchEventType.Added);
            change.Object.Metadata.Name.ShouldBe("a");
            change.Object.Data!["k"].ShouldBe("v");
            change.Object.Kind.ShouldBe("ConfigMap");
            WatchReader.TryReadLine(ref buffer, out _).ShouldBeFalse();
            buffer.Length.ShouldBe(1);
        }
    }

    [Fact]
    public void An_error_event_is_thrown_and_an_unknown_one_is_passed_over()
    {
        var gone = """{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}}""";
        var error = Should.Throw<KubernetesException>(() => WatchReader.Read(Pieces(gone, 1000), Resources.Pods, "GET /x"));
        error.IsGone.ShouldBeTrue();
        error.Message.ShouldBe("GET /x: 410 Expired: too old");
        WatchReader.Read(Pieces("""{"type":"NEWS","object":{}}""", 1000), Resources.Pods, "GET /x").ShouldBeNull();
        WatchReader.Read(default, Resources.Pods, "GET /x").ShouldBeNull();
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData("""{}""")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"ADDED","object":null}""")]
    [InlineData("""{"type":"ADDED","object":{"metadata":3}}""")]
    [InlineData("""{"type":"ADD""")]
    public void An_event_that_makes_no_sense_is_like_a_broken_connection(string line) =>
        Should.Throw<HttpRequestException>(() => WatchReader.Read(Pieces(line, 5), Resources.Pods, "GET /x"));

    [Fact]
    public void A_list_is_read_with_its_metadata_before_or_after_its_items()
    {
        const string Two = """[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]""";
        foreach (var json in (string[])
        [
            $$"""{"kind":"PodList","metadata":{"resourceVersion":"7","continue":"c"},"items":{{Two}}}""",
            $$"""{"items":{{Two}},"x":[[]],"metadata":{"resourceVersion":"7","continue":"c"} }""",
        ])
        {
            var items = new List<V1Pod>();
            var metadata = ListReader.Read(Encoding.UTF8.GetBytes(json), Resources.Pods, items);
            (metadata.ResourceVersion, metadata.Continue).ShouldBe(("7", "c"));
            items.Select(item => (item.Metadata.Name, item.Kind)).ShouldBe([("a", "Pod"), ("b", "Pod")]);
        }
        ListReader.Read("""{"metadata":{},"items":null}"""u8, Resources.Pods, []).ShouldBe(new V1ListMeta());
    }

    [Theory]
    [InlineData("""{"kind":"Status"}""")]
    [InlineData("""{"items":[""")]
    [InlineData("""{"items":[null]}""")]
    [InlineData("""{"items":[{"metadata":{}}]""")]
    [InlineData("")]
    public void What_is_no_list_is_not_taken_for_an_empty_one(string json) =>
        Should.Throw<JsonException>(() => ListReader.Read(Encoding.UTF8.GetBytes(json), Resources.Pods, []));

    [Fact]
    public void Times_are_written_as_the_server_reads_them()
    {
        var time = new DateTimeOffset(2026, 1, 2, 5, 4, 5, 678, TimeSpan.FromHours(2)).AddMicroseconds(9);
        var lease = new V1Lease { Metadata = new() { Name = "l", CreationTimestamp = time }, Spec = new() { RenewTime = time } };
        JsonSerializer.Serialize(lease, KubernetesJson.Default.V1Lease).ShouldBe(
            """{"metadata":{"name":"l","creationTimestamp":"2026-01-02T03:04:05Z"},"spec":{"renewTime":"2026-01-02T03:04:05.678009Z"}}""");
    }

    [Fact]
    public void Strings_that_many_objects_share_are_kept_once()
    {
        const string Odd = """{"metadata":{"name":"\u0061-\u00e4","labels":{"tr\u00e4ger":""}}}""";
        string[] texts =
        [
            """{"metadata":{"name":"a","labels":{"app":"hem"}}}""", """{"metadata":{"name":"\u0061","labels":{"app":"hem"}}}""", Odd,
        ];
        var read = texts.Concat(texts).Select(text => JsonSerializer.Deserialize(text, KubernetesJson.Default.V1Pod)!.Metadata).ToList();
        read[0].Labels!["app"].ShouldBeSameAs(read[3].Labels!["app"]);
        read[0].Labels!.Keys.Single().ShouldBeSameAs(read[3].Labels!.Keys.Single());
        read[1].Name.ShouldBe("a");
        read[2].Name.ShouldBe("a-ä");
        read[2].Labels!.ShouldBe(new Dictionary<string, string> { ["träger"] = "" });
    }

    [Fact]
    public void A_services_target_port_is_a_number_or_a_name()
    {
        var service = """{"metadata":{"name":"s"},"spec":{"ports":[{"port":1,"targetPort":8080},{"port":2,"targetPort":"web"}]}}""";
        var read = JsonSerializer.Deserialize(service, KubernetesJson.Default.V1Service)!;
        read.Spec!.Ports!.Select(port => port.TargetPort).ShouldBe(["8080", "web"]);
        JsonSerializer.Serialize(read, KubernetesJson.Default.V1Service).ShouldBe(service);
    }

    private static ReadOnlySequence<byte> Pieces(string text, int size)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Piece? first = null, last = null;
        for (var at = 0; at < bytes.Length; at += size)
        {
            var piece = new Piece(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), at);
            first ??= piece;
            last?.Link(piece);
            last = piece;
        }
        return new(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, int at) => (Memory, RunningIndex) = (memory, at);

        public void Link(Piece next) => Next = next;
    }
}
