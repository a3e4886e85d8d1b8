using System.Runtime.InteropServices;
using Hem.Trainer.Trials;

namespace Hem.Trainer.MuJoCo;

/// <summary>
/// The functions of Debian's libmujoco 2.2.2. The name of the file carries the version, so the structures of Layout.g.cs fit it.
/// Nothing is loaded before <see cref="Load"/>.
/// </summary>
internal static unsafe partial class MuJoCoLibrary
{
    public const string FileName = "libmujoco.so.2.2.2";

    private static readonly Lock Gate = new();
    private static bool loaded;

    /// <summary>Loads the library once, and lets its errors and warnings come to us. To be called before anything else here.</summary>
    /// <exception cref="BadConfigurationException">The library is not on this machine.</exception>
    public static void Load()
    {
        lock (Gate)
        {
            if (loaded)
                return;
            nint library = Open(FileName);
            int version = mj_version();
            if (version != MjConstants.VERSION_HEADER)
            {
                throw new BadConfigurationException(
                    $"{FileName} calls itself version {version}, and this program is made for {MjConstants.VERSION_HEADER}");
            }

            MuJoCoMessages.Take(library);
            loaded = true;
        }
    }

    /// <exception cref="BadConfigurationException">There is no such file on this machine.</exception>
    internal static nint Open(string file) => NativeLibrary.TryLoad(file, out nint library)
        ? library
        : throw new BadConfigurationException(
            $"parameters.task: MuJoCo simulates or draws this task, and its {file} is not on this machine; on Debian 12: "
            + "apt-get install libmujoco2.2.2");

    [LibraryImport(FileName)]
    public static partial int mj_version();

    // Models.

    [LibraryImport(FileName)]
    public static partial void mj_defaultVFS(MjVFS* vfs);

    [LibraryImport(FileName)]
    public static partial int mj_makeEmptyFileVFS(MjVFS* vfs, byte* filename, int filesize);

    [LibraryImport(FileName)]
    public static partial int mj_findFileVFS(MjVFS* vfs, byte* filename);

    [LibraryImport(FileName)]
    public static partial void mj_deleteVFS(MjVFS* vfs);

    [LibraryImport(FileName)]
    public static partial MjModel* mj_loadXML(byte* filename, MjVFS* vfs, byte* error, int errorSize);

    [LibraryImport(FileName)]
    public static partial void mj_freeLastXML();

    [LibraryImport(FileName)]
    public static partial void mj_saveModel(MjModel* m, byte* filename, void* buffer, int bufferSize);

    [LibraryImport(FileName)]
    public static partial void mj_deleteModel(MjModel* m);

    [LibraryImport(FileName)]
    public static partial int mj_name2id(MjModel* m, int type, byte* name);

    // Simulation.

    [LibraryImport(FileName)]
    public static partial MjData* mj_makeData(MjModel* m);

    [LibraryImport(FileName)]
    public static partial void mj_deleteData(MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_resetData(MjModel* m, MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_step(MjModel* m, MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_forward(MjModel* m, MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_kinematics(MjModel* m, MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_comPos(MjModel* m, MjData* d);

    [LibraryImport(FileName)]
    public static partial void mj_camlight(MjModel* m, MjData* d);

    /// <summary>The site's Jacobian, 3 x nv each, row after row; either may be null.</summary>
    [LibraryImport(FileName)]
    public static partial void mj_jacSite(MjModel* m, MjData* d, double* position, double* rotation, int site);

    // Scenes: what is to be seen.

    [LibraryImport(FileName)]
    public static partial void mjv_defaultCamera(MjvCamera* camera);

    [LibraryImport(FileName)]
    public static partial void mjv_defaultFreeCamera(MjModel* m, MjvCamera* camera);

    [LibraryImport(FileName)]
    public static partial void mjv_defaultPerturb(MjvPerturb* perturb);

    [LibraryImport(FileName)]
    public static partial void mjv_defaultOption(MjvOption* option);

    [LibraryImport(FileName)]
    public static partial void mjv_initGeom(MjvGeom* geom, int type, double* size, double* pos, double* mat, float* rgba);

    [LibraryImport(FileName)]
    public static partial void mjv_defaultScene(MjvScene* scene);

    [LibraryImport(FileName)]
    public static partial void mjv_makeScene(MjModel* m, MjvScene* scene, int maxGeoms);

    [LibraryImport(FileName)]
    public static partial void mjv_freeScene(MjvScene* scene);

    /// <param name="m">The model.</param>
    /// <param name="d">Its data: kinematics, and cameras and lights in their places (<see cref="Simulation.Place"/>).</param>
    /// <param name="option">What to show.</param>
    /// <param name="perturb">May be null.</param>
    /// <param name="camera">Where from.</param>
    /// <param name="categories">CAT_...</param>
    /// <param name="scene">What is filled.</param>
    [LibraryImport(FileName)]
    public static partial void mjv_updateScene(
        MjModel* m, MjData* d, MjvOption* option, MjvPerturb* perturb, MjvCamera* camera, int categories, MjvScene* scene);

    [LibraryImport(FileName)]
    public static partial void mjv_updateCamera(MjModel* m, MjData* d, MjvCamera* camera, MjvScene* scene);

    // Drawing, by the OpenGL context that is current in the calling thread.

    [LibraryImport(FileName)]
    public static partial void mjr_defaultContext(MjrContext* context);

    [LibraryImport(FileName)]
    public static partial void mjr_makeContext(MjModel* m, MjrContext* context, int fontScale);

    [LibraryImport(FileName)]
    public static partial void mjr_freeContext(MjrContext* context);

    [LibraryImport(FileName)]
    public static partial void mjr_setBuffer(int framebuffer, MjrContext* context);

    [LibraryImport(FileName)]
    public static partial MjrRect mjr_maxViewport(MjrContext* context);

    [LibraryImport(FileName)]
    public static partial void mjr_render(MjrRect viewport, MjvScene* scene, MjrContext* context);

    /// <summary>Rows come bottom up; either may be null.</summary>
    [LibraryImport(FileName)]
    public static partial void mjr_readPixels(byte* rgb, float* depth, MjrRect viewport, MjrContext* context);

    [LibraryImport(FileName)]
    public static partial void mjr_rectangle(MjrRect viewport, float r, float g, float b, float a);

    [LibraryImport(FileName)]
    public static partial void mjr_finish();

    [LibraryImport(FileName)]
    public static partial int mjr_getError();
}
