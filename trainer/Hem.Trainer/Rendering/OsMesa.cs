using System.Runtime.InteropServices;

namespace Hem.Trainer.Rendering;

/// <summary>OpenGL by Mesa's library for drawing into memory.</summary>
internal sealed unsafe class OsMesa : OpenGl
{
    private const int Rgba = 0x1908, UnsignedByte = 0x1401, DepthBits = 24, StencilBits = 8, Side = 4;

    private readonly delegate* unmanaged<int, int, int, int, nint, nint> createContext;
    private readonly delegate* unmanaged<nint, void*, int, int, int, byte> makeCurrent;

    private OsMesa(DynamicLibrary library)
    {
        createContext = (delegate* unmanaged<int, int, int, int, nint, nint>)library.Function("OSMesaCreateContextExt");
        makeCurrent = (delegate* unmanaged<nint, void*, int, int, int, byte>)library.Function("OSMesaMakeCurrent");
        library.Publish();
    }

    public override string Name => "OSMesa";

    /// <summary>Null where there is none; that is added to <paramref name="faults"/>.</summary>
    public static OsMesa? TryLoad(List<string> faults)
    {
        foreach (string name in (ReadOnlySpan<string>)["libOSMesa.so.8", "libOSMesa.so.6"])
        {
            if (DynamicLibrary.TryLoad(name) is { } library)
                return new OsMesa(library);
        }

        faults.Add("there is no libOSMesa.so.8");
        return null;
    }

    protected override void CreateContext()
    {
        // MuJoCo draws into a buffer of its own; this one is there to be current, as long as the context.
        void* buffer = NativeMemory.Alloc(4 * Side * Side);
        nint context = createContext(Rgba, DepthBits, StencilBits, 0, 0);
        if (context == 0 || makeCurrent(context, buffer, UnsignedByte, Side, Side) == 0)
            throw new InvalidOperationException("OSMesa could not make a context");
    }
}
