using System.Runtime.InteropServices;
using System.Text;

namespace Hem.Trainer.MuJoCo;

/// <summary>
/// A compiled model: what is simulated, without its state. Read only once it is loaded, so any number of <see cref="Simulation"/>s on any
/// threads share it.
/// </summary>
internal sealed unsafe class Model : IDisposable
{
    private const string ResourceFolder = "Hem.Trainer.Tasks.Models.";

    private static readonly Lock Compiler = new();   // it keeps the last model that it read

    private MjModel* pointer;

    private Model(MjModel* pointer) => this.pointer = pointer;

    ~Model() => Free();

    public MjModel* Pointer => pointer is not null ? pointer : throw new ObjectDisposedException(nameof(Model));

    /// <summary>Loads `Tasks/Models/NAME.xml`, which may include others of that folder.</summary>
    /// <exception cref="Trials.BadConfigurationException">MuJoCo is not on this machine.</exception>
    /// <exception cref="ModelException">The model is faulty.</exception>
    public static Model FromResource(string name) => FromXml($"{name}.xml", ReadResource($"{name}.xml"));

    /// <summary>Compiles MJCF text.</summary>
    /// <param name="file">Its name in messages.</param>
    /// <param name="xml">The text; it may include files of Tasks/Models by their names.</param>
    public static Model FromXml(string file, string xml)
    {
        MuJoCoLibrary.Load();
        lock (Compiler)
        {
            var files = (MjVFS*)NativeMemory.Alloc((nuint)sizeof(MjVFS));
            MuJoCoLibrary.mj_defaultVFS(files);
            try
            {
                Add(files, file, xml);
                AddIncluded(files, xml);
                const int room = 1000;
                byte* error = stackalloc byte[room];
                error[0] = 0;
                fixed (byte* name = Utf8(file))
                {
                    MjModel* model = MuJoCoLibrary.mj_loadXML(name, files, error, room);
                    MuJoCoLibrary.mj_freeLastXML();
                    if (model is null)
                        throw new ModelException($"the model {file} cannot be used: {Marshal.PtrToStringUTF8((nint)error)}");
                    return new Model(model);
                }
            }
            finally
            {
                MuJoCoLibrary.mj_deleteVFS(files);
                NativeMemory.Free(files);
            }
        }
    }

    public int Body(string name) => Id(MjConstants.OBJ_BODY, "body", name);

    public int Joint(string name) => Id(MjConstants.OBJ_JOINT, "joint", name);

    public int Geom(string name) => Id(MjConstants.OBJ_GEOM, "geom", name);

    public int Site(string name) => Id(MjConstants.OBJ_SITE, "site", name);

    public int Camera(string name) => Id(MjConstants.OBJ_CAMERA, "camera", name);

    public bool HasCamera(string name)
    {
        fixed (byte* utf8 = Utf8(name))
            return MuJoCoLibrary.mj_name2id(Pointer, MjConstants.OBJ_CAMERA, utf8) >= 0;
    }

    /// <summary>Where the joint's value (a free joint's first of seven) lies in qpos.</summary>
    public int QposOf(string joint) => Pointer->jnt_qposadr[Joint(joint)];

    /// <summary>Where the joint's velocity (a free joint's first of six) lies in qvel.</summary>
    public int QvelOf(string joint) => Pointer->jnt_dofadr[Joint(joint)];

    /// <summary>Which row of the mocap positions and quaternions moves the body.</summary>
    public int MocapOf(string body) =>
        Pointer->body_mocapid[Body(body)] is >= 0 and var id ? id : throw new ModelException($"the body {body} is not a mocap body");

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void Add(MjVFS* files, string name, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* utf8 = Utf8(name))
        {
            if (MuJoCoLibrary.mj_makeEmptyFileVFS(files, utf8, bytes.Length) != 0)
                throw new ModelException($"the model file {name} cannot be handed to MuJoCo");
            int index = MuJoCoLibrary.mj_findFileVFS(files, utf8);
            bytes.CopyTo(new Span<byte>((&files->filedata)[index], bytes.Length));
        }
    }

    private static void AddIncluded(MjVFS* files, string xml)
    {
        const string start = "<include file=\"";
        for (int at = 0; (at = xml.IndexOf(start, at, StringComparison.Ordinal)) >= 0;)
        {
            at += start.Length;
            string name = xml[at..xml.IndexOf('"', at)];
            Add(files, name, ReadResource(name));
        }
    }

    private static string ReadResource(string name)
    {
        using Stream stream = typeof(Model).Assembly.GetManifestResourceStream(ResourceFolder + name)
            ?? throw new ModelException($"there is no model {name} in this program");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private int Id(int type, string kind, string name)
    {
        fixed (byte* utf8 = Utf8(name))
        {
            int id = MuJoCoLibrary.mj_name2id(Pointer, type, utf8);
            return id >= 0 ? id : throw new ModelException($"the model has no {kind} {name}");
        }
    }

    private void Free()
    {
        MjModel* model = pointer;
        pointer = null;
        if (model is not null)
            MuJoCoLibrary.mj_deleteModel(model);
    }
}

/// <summary>A model that MuJoCo does not take, or that lacks what is asked of it.</summary>
internal sealed class ModelException(string message) : Exception(message);
