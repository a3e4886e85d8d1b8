namespace Hem.Trainer.Rendering;

/// <summary>OpenGL by EGL on Mesa's surfaceless platform: needs neither a display server nor a graphics card.</summary>
internal sealed unsafe class Egl : OpenGl
{
    private const int PlatformSurfaceless = 0x31DD, OpenGlApi = 0x30A2, OpenGlBit = 8, PbufferBit = 1;
    private const int SurfaceType = 0x3033, RenderableType = 0x3040, RedSize = 0x3024, GreenSize = 0x3023, BlueSize = 0x3022;
    private const int DepthSize = 0x3025, Width = 0x3057, Height = 0x3056, None = 0x3038;

    private readonly nint display;
    private readonly nint config;
    private readonly delegate* unmanaged<int> getError;
    private readonly delegate* unmanaged<int, uint> bindApi;
    private readonly delegate* unmanaged<nint, nint, nint, int*, nint> createContext;
    private readonly delegate* unmanaged<nint, nint, int*, nint> createPbufferSurface;
    private readonly delegate* unmanaged<nint, nint, nint, nint, uint> makeCurrent;

    private Egl(DynamicLibrary library, nint display, nint config)
    {
        (this.display, this.config) = (display, config);
        getError = (delegate* unmanaged<int>)library.Function("eglGetError");
        bindApi = (delegate* unmanaged<int, uint>)library.Function("eglBindAPI");
        createContext = (delegate* unmanaged<nint, nint, nint, int*, nint>)library.Function("eglCreateContext");
        createPbufferSurface = (delegate* unmanaged<nint, nint, int*, nint>)library.Function("eglCreatePbufferSurface");
        makeCurrent = (delegate* unmanaged<nint, nint, nint, nint, uint>)library.Function("eglMakeCurrent");
    }

    public override string Name => "EGL";

    /// <summary>Null where there is no EGL that draws without a display; why is added to <paramref name="faults"/>.</summary>
    public static Egl? TryLoad(List<string> faults)
    {
        if (DynamicLibrary.TryLoad("libEGL.so.1") is not { } library)
        {
            faults.Add("there is no libEGL.so.1");
            return null;
        }

        var getProcAddress = (delegate* unmanaged<byte*, nint>)library.Function("eglGetProcAddress");
        nint getPlatformDisplay;
        fixed (byte* name = "eglGetPlatformDisplayEXT"u8)
            getPlatformDisplay = getProcAddress(name);
        nint display = getPlatformDisplay == 0 ? 0
            : ((delegate* unmanaged<int, nint, int*, nint>)getPlatformDisplay)(PlatformSurfaceless, 0, null);
        if (display == 0)
        {
            faults.Add("libEGL.so.1 knows no display without a screen: is Mesa's libegl-mesa0 there?");
            return null;
        }

        int major, minor, count = 0;
        if (((delegate* unmanaged<nint, int*, int*, uint>)library.Function("eglInitialize"))(display, &major, &minor) == 0)
        {
            faults.Add("EGL finds nothing to draw with: is Mesa's libgl1-mesa-dri there?");
            return null;
        }

        int* wanted = stackalloc int[]
        {
            SurfaceType, PbufferBit, RenderableType, OpenGlBit, RedSize, 8, GreenSize, 8, BlueSize, 8, DepthSize, 24, None,
        };
        nint config;
        var chooseConfig = (delegate* unmanaged<nint, int*, nint*, int, int*, uint>)library.Function("eglChooseConfig");
        if (chooseConfig(display, wanted, &config, 1, &count) == 0 || count == 0)
        {
            faults.Add("EGL has no OpenGL with 8 bits a colour and 24 bits of depth");
            return null;
        }

        library.Publish();
        return new Egl(library, display, config);
    }

    protected override void CreateContext()
    {
        // MuJoCo draws into a buffer of its own; the surface is there to be current.
        int* size = stackalloc int[] { Width, 4, Height, 4, None };
        int* nothing = stackalloc int[] { None };
        Check(bindApi(OpenGlApi) != 0, "eglBindAPI");
        nint surface = createPbufferSurface(display, config, size);
        Check(surface != 0, "eglCreatePbufferSurface");
        nint context = createContext(display, config, 0, nothing);
        Check(context != 0, "eglCreateContext");
        Check(makeCurrent(display, surface, surface, context) != 0, "eglMakeCurrent");
    }

    private void Check(bool good, string call)
    {
        if (!good)
            throw new InvalidOperationException($"{call} failed with EGL error 0x{getError():X4}");
    }
}
