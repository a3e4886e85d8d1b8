using System.IO.Pipelines;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Hem.Progress.Grpc;

namespace Progress.Tests.Grpc;

public class EncodingTests
{
    [Theory]
    [InlineData(0, "1n")]
    [InlineData(1, "1u")]
    [InlineData(20_000, "2000u")]
    [InlineData(TimeSpan.TicksPerSecond, "1000000u")]
    [InlineData(TimeSpan.TicksPerHour, "3600000m")]
    [InlineData(TimeSpan.TicksPerDay * 365, "31536000S")]
    [InlineData(TimeSpan.TicksPerDay * 365 * 10, "5256000M")]
    [InlineData(long.MaxValue / 8, "32025598H")]
    public void A_timeout_keeps_to_eight_digits(long ticks, string text)
    {
        GrpcProtocol.EncodeTimeout(TimeSpan.FromTicks(ticks)).ShouldBe(text);
        GrpcProtocol.TryDecodeTimeout(text, out var decoded).ShouldBeTrue();
        decoded.Ticks.ShouldBeGreaterThanOrEqualTo(ticks);
    }

    [Fact]
    public void A_message_survives_the_percent_encoding_and_is_printable_ascii()
    {
        var random = new Random(3986);
        for (var round = 0; round < 1000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => new Rune(random.Next(3) switch
            {
                0 => random.Next(0x80),
                1 => random.Next(0xd800),
                _ => random.Next(0xe000, 0x110000),
            })));
            var encoded = GrpcProtocol.PercentEncode(text);
            encoded.ShouldAllBe(c => c >= ' ' && c <= '~');
            GrpcProtocol.PercentDecode(encoded).ShouldBe(text);
        }
    }

    [Theory]
    [InlineData("100%", "100%")]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz%41", "%zzA")]
    [InlineData("caf%C3%A9", "café")]
    public void What_is_no_percent_encoding_stays_as_it_is(string encoded, string text) =>
        GrpcProtocol.PercentDecode(encoded).ShouldBe(text);

    [Theory]
    [InlineData("AP8K")]
    [InlineData("AP8K, AP8K")]
    [InlineData("AP8K,AP8=,AP8")]
    public void Binary_metadata_comes_padded_or_not_and_joined_or_not(string value)
    {
        var metadata = new Metadata();
        GrpcProtocol.AddReceived(metadata, "X-Bin", value);
        metadata.Select(entry => entry.ValueBytes[..2]).ShouldAllBe(bytes => bytes.SequenceEqual(new byte[] { 0, 255 }));
        metadata.Count.ShouldBe(value.Split(',').Length);
    }

    [Fact]
    public void Metadata_that_may_not_travel_is_refused()
    {
        var metadata = new Metadata();
        Should.Throw<ArgumentException>(() => metadata.Add("spaced key", "v"));
        Should.Throw<ArgumentException>(() => metadata.Add("key", "new\nline"));
        Should.Throw<ArgumentException>(() => metadata.Add("key", "ünicode"));
        Should.Throw<ArgumentException>(() => metadata.Add("key-bin", "text"));
        Should.Throw<ArgumentException>(() => metadata.Add("key", [1]));
        Should.Throw<InvalidOperationException>(() => Metadata.Empty.Add("key", "v"));
        metadata.Add("Authorization", "Bearer secret");
        metadata.Get("authorization")!.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public async Task Messages_are_found_wherever_the_transport_cuts_them()
    {
        var bytes = RawGrpc.Frames("", "one", new string('x', 1000), "");
        for (var cut = 1; cut < 40; cut++)
        {
            var pipe = new Pipe(new PipeOptions(minimumSegmentSize: 1));
            var reader = new MessageReader<BytesValue>(pipe.Reader, EchoService.Bytes.ContextualDeserializer, 2000, default);
            var reading = Task.Run(async () =>
            {
                var texts = new List<string>();
                while (await reader.MoveNextAsync(CancellationToken.None))
                    texts.Add(reader.Current!.Value.ToStringUtf8());
                return texts;
            });
            foreach (var piece in bytes.Chunk(cut))
                await pipe.Writer.WriteAsync(piece);
            await pipe.Writer.CompleteAsync();
            (await reading).ShouldBe(["", "one", new string('x', 1000), ""]);
        }
    }

    [Fact]
    public async Task A_message_too_large_is_refused_by_its_length_alone()
    {
        var pipe = new Pipe();
        var reader = new MessageReader<BytesValue>(pipe.Reader, EchoService.Bytes.ContextualDeserializer, 2000, default);
        await pipe.Writer.WriteAsync(new byte[] { 0, 0, 0, 7, 209 });
        await pipe.Writer.CompleteAsync();
        for (var again = 0; again < 2; again++)
        {
            (await Should.ThrowAsync<RpcException>(async () => await reader.MoveNextAsync(CancellationToken.None))).StatusCode
                .ShouldBe(StatusCode.ResourceExhausted);
        }
    }
}
