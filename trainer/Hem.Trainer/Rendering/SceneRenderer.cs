using System.Runtime.InteropServices;
using Hem.Trainer.MuJoCo;

namespace Hem.Trainer.Rendering;

/// <summary>
/// Draws a model into memory, as a camera of it sees it, without shadows and reflections. It belongs to the thread that made it. The
/// same pose gives the same bytes in every renderer of the same size and smoothness.
/// </summary>
internal sealed unsafe class SceneRenderer : IDisposable
{
    /// <summary>The camera of the agent in every model.</summary>
    public const string Agent = "agent";

    /// <summary>That of people, in a model in which the agent's does not see everything.</summary>
    public const string Scene = "scene";

    private const int Groups = 6, RoomForMarkers = 16;

    private static readonly Lock Settings = new();   // of a model, which MuJoCo reads when it makes a context

    private readonly Model model;
    private readonly int thread = Environment.CurrentManagedThreadId;
    private readonly byte[] rowsFromBelow;
    private Native* native;

    /// <param name="model">What to draw.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="samples">A pixel's colour is the mean of so many (1: hard edges, what agents see).</param>
    /// <param name="camera">Its name in the model.</param>
    /// <exception cref="Trials.BadConfigurationException">This machine cannot draw.</exception>
    public SceneRenderer(Model model, int width, int height, int samples = 1, string camera = Agent)
    {
        (this.model, Width, Height) = (model, width, height);
        rowsFromBelow = GC.AllocateUninitializedArray<byte>(checked(3 * width * height), pinned: true);
        OpenGl.EnsureContext();
        Simulation = new Simulation(model);
        native = (Native*)NativeMemory.AllocZeroed((nuint)sizeof(Native));
        MuJoCoLibrary.mjv_defaultOption(&native->Option);
        for (int group = 0; group < Groups; group++)
            native->Option.sitegroup[group] = 0;
        MuJoCoLibrary.mjv_defaultCamera(&native->Camera);
        (native->Camera.type, native->Camera.fixedcamid) = (MjConstants.CAMERA_FIXED, model.Camera(camera));
        MuJoCoLibrary.mjv_defaultScene(&native->Scene);
        MuJoCoLibrary.mjv_makeScene(model.Pointer, &native->Scene, model.Pointer->ngeom + RoomForMarkers);
        (native->Scene.flags[MjConstants.RND_SHADOW], native->Scene.flags[MjConstants.RND_REFLECTION]) = (0, 0);
        MuJoCoLibrary.mjr_defaultContext(&native->Context);
        lock (Settings)
        {
            MjVisual* visual = &model.Pointer->vis;
            (visual->global_offwidth, visual->global_offheight) = (width, height);
            (visual->quality_offsamples, visual->quality_shadowsize) = (samples > 1 ? samples : 0, 0);
            MuJoCoLibrary.mjr_makeContext(model.Pointer, &native->Context, MjConstants.FONTSCALE_50);
        }
    }

    ~SceneRenderer() => Free();

    public int Width { get; }

    public int Height { get; }

    /// <summary>What is drawn: to be put into the wanted pose.</summary>
    public Simulation Simulation { get; }

    /// <summary>Draws the pose that <see cref="Simulation"/> is in.</summary>
    /// <param name="picture">Height rows from the top, 3 Width bytes each: red, green, blue.</param>
    /// <param name="markers">Balls that are not in the model.</param>
    public void Draw(Span<byte> picture, ReadOnlySpan<Marker> markers = default)
    {
        ObjectDisposedException.ThrowIf(native is null, this);
        if (Environment.CurrentManagedThreadId != thread)
            throw new InvalidOperationException("a renderer draws on the thread that made it, which has its OpenGL context");

        Simulation.Place();
        MuJoCoLibrary.mjv_updateScene(
            model.Pointer, Simulation.Pointer, &native->Option, null, &native->Camera, MjConstants.CAT_ALL, &native->Scene);
        foreach (Marker marker in markers)
            Add(marker);

        var viewport = new MjrRect { width = Width, height = Height };
        MuJoCoLibrary.mjr_setBuffer(MjConstants.FB_OFFSCREEN, &native->Context);
        MuJoCoLibrary.mjr_render(viewport, &native->Scene, &native->Context);
        fixed (byte* pixels = rowsFromBelow)
            MuJoCoLibrary.mjr_readPixels(pixels, null, viewport, &native->Context);
        for (int y = 0, row = 3 * Width; y < Height; y++)
            rowsFromBelow.AsSpan((Height - 1 - y) * row, row).CopyTo(picture.Slice(y * row, row));
    }

    /// <summary>To be called by the thread that made it, or the memory on OpenGL's side stays taken.</summary>
    public void Dispose()
    {
        if (native is not null && Environment.CurrentManagedThreadId == thread)
            MuJoCoLibrary.mjr_freeContext(&native->Context);
        Free();
        Simulation.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Add(Marker marker)
    {
        if (native->Scene.ngeom >= native->Scene.maxgeom)
            throw new ArgumentException($"at most {RoomForMarkers} markers can be drawn");

        double* size = stackalloc double[] { marker.Radius, 0, 0 };
        double* place = stackalloc double[] { marker.X, marker.Y, marker.Z };
        double* upright = stackalloc double[] { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
        float* colour = stackalloc float[] { marker.Red, marker.Green, marker.Blue, marker.Opacity };
        MuJoCoLibrary.mjv_initGeom(
            &native->Scene.geoms[native->Scene.ngeom++], MjConstants.GEOM_SPHERE, size, place, upright, colour);
    }

    private void Free()
    {
        if (native is null)
            return;
        MuJoCoLibrary.mjv_freeScene(&native->Scene);
        NativeMemory.Free(native);
        native = null;
    }

    /// <summary>What MuJoCo keeps pointers into; it must not move.</summary>
    private struct Native
    {
        public MjvOption Option;
        public MjvCamera Camera;
        public MjvScene Scene;
        public MjrContext Context;
    }
}
