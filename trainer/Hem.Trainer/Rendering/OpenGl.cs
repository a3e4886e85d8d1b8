using Hem.Trainer.Trials;

namespace Hem.Trainer.Rendering;

/// <summary>
/// OpenGL without a screen, computed by the processor: by Mesa through EGL, or through OSMesa where there is no EGL. A context belongs
/// to the thread that asked for it and lives as long as the process. Nothing is loaded before the first context is asked for.
/// </summary>
internal abstract class OpenGl
{
    /// <summary>The environment variable that chooses: `egl` or `osmesa`, as for other programs with MuJoCo.</summary>
    public const string Variable = "MUJOCO_GL";

    private static readonly Lazy<OpenGl> Library = new(() => Load(Environment.GetEnvironmentVariable(Variable)));

    [ThreadStatic]
    private static bool hasContext;

    /// <summary>`EGL` or `OSMesa`.</summary>
    public abstract string Name { get; }

    /// <summary>Gives the calling thread an OpenGL context, unless it has one.</summary>
    /// <returns>By what.</returns>
    /// <exception cref="BadConfigurationException">This machine has no OpenGL.</exception>
    public static OpenGl EnsureContext()
    {
        OpenGl library = Library.Value;
        if (!hasContext)
            library.CreateContext();
        hasContext = true;
        return library;
    }

    /// <summary>Makes a context that is current on the calling thread.</summary>
    protected abstract void CreateContext();

    private static OpenGl Load(string? choice)
    {
        if (choice is not (null or "" or "egl" or "osmesa"))
            throw new BadConfigurationException($"{Variable} is '{choice}': set it to egl or osmesa, or leave it away");

        // The processor draws, also beside a graphics card: so the same pictures come out everywhere. On the calling thread: a trial has
        // the threads that it was given. And no files are left behind.
        DynamicLibrary.SetDefaultVariable("LIBGL_ALWAYS_SOFTWARE", "true");
        DynamicLibrary.SetDefaultVariable("__EGL_VENDOR_LIBRARY_FILENAMES", "/usr/share/glvnd/egl_vendor.d/50_mesa.json");
        DynamicLibrary.SetDefaultVariable("LP_NUM_THREADS", "0");
        DynamicLibrary.SetDefaultVariable("MESA_SHADER_CACHE_DISABLE", "true");

        var faults = new List<string>();
        OpenGl? library = choice == "osmesa" ? null : Egl.TryLoad(faults);
        library ??= choice == "egl" ? null : OsMesa.TryLoad(faults);
        return library ?? throw new BadConfigurationException(
            $"images are drawn with OpenGL, and this machine has none ({string.Join("; ", faults)}): "
            + "apt-get install libegl1 libgl1 libgl1-mesa-dri (or libosmesa6)");
    }
}
