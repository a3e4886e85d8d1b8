using System.Buffers;
using System.Text;

namespace Hem.Kubernetes;

/// <summary>The bytes of an answer, in an array that goes back to the pool.</summary>
internal sealed class ResponseBody : IDisposable
{
    private const int FirstSize = 16 << 10;

    private byte[] _array;
    private int _length;

    private ResponseBody(int size) => _array = ArrayPool<byte>.Shared.Rent(size);

    public ReadOnlyMemory<byte> Bytes => _array.AsMemory(0, _length);

    public static async Task<ResponseBody> ReadAsync(HttpContent content, CancellationToken cancel)
    {
        // One byte more than announced, so that the end is seen without growing.
        var announced = content.Headers.ContentLength is { } length and < int.MaxValue / 2 ? (int)length + 1 : FirstSize;
        var body = new ResponseBody(announced);
        try
        {
            using var stream = await content.ReadAsStreamAsync(cancel);
            while (true)
            {
                if (body._length == body._array.Length) body.Grow();
                var read = await stream.ReadAsync(body._array.AsMemory(body._length), cancel);
                if (read == 0) return body;
                body._length += read;
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>The beginning, as text for an error message.</summary>
    public string Head() => Encoding.UTF8.GetString(_array.AsSpan(0, Math.Min(_length, 500))).Trim();

    public void Dispose()
    {
        var array = _array;
        (_array, _length) = ([], 0);
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
    }

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(checked(_array.Length * 2));
        _array.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_array);
        _array = larger;
    }
}
