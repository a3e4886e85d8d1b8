using System.Runtime.InteropServices;

namespace Hem.Trainer.MuJoCo;

/// <summary>
/// One state of a <see cref="Model"/> and what MuJoCo computes from it. For one thread at a time. What decides the future (positions,
/// velocities, the solver's warm start, controls, mocap targets, time) can be saved to bytes and loaded into any other simulation of the
/// model, which then goes on with the same bits.
/// </summary>
internal sealed unsafe class Simulation : IDisposable
{
    private readonly Model model;
    private readonly double* jacobian;   // 2 of 3 x nv
    private MjData* data;

    public Simulation(Model model)
    {
        this.model = model;
        data = MuJoCoLibrary.mj_makeData(model.Pointer);
        if (data is null)
            throw new OutOfMemoryException("MuJoCo found no memory for a simulation");
        jacobian = (double*)NativeMemory.Alloc((nuint)(6 * Math.Max(1, model.Pointer->nv)), sizeof(double));
        MuJoCoLibrary.mj_resetData(model.Pointer, data);
    }

    ~Simulation() => Free();

    public Model Model => model;

    public MjModel* ModelPointer => model.Pointer;

    public MjData* Pointer => data is not null ? data : throw new ObjectDisposedException(nameof(Simulation));

    /// <summary>Joint values; where a joint's lie: <see cref="Model.QposOf"/>.</summary>
    public Span<double> Qpos => new(data->qpos, model.Pointer->nq);

    public Span<double> Qvel => new(data->qvel, model.Pointer->nv);

    /// <summary>The accelerations from which the constraint solver starts.</summary>
    public Span<double> QaccWarmstart => new(data->qacc_warmstart, model.Pointer->nv);

    public Span<double> Ctrl => new(data->ctrl, model.Pointer->nu);

    /// <summary>Positions of the mocap bodies, 3 each.</summary>
    public Span<double> MocapPositions => new(data->mocap_pos, 3 * model.Pointer->nmocap);

    /// <summary>Orientations of the mocap bodies, quaternions (w, x, y, z) of any length but 0.</summary>
    public Span<double> MocapQuaternions => new(data->mocap_quat, 4 * model.Pointer->nmocap);

    public double Time => data->time;

    /// <summary>Bytes of <see cref="Save"/>.</summary>
    public int StateBytes => sizeof(double) * Doubles(model.Pointer);

    public static int StateBytesOf(Model model) => sizeof(double) * Doubles(model.Pointer);

    public ReadOnlySpan<double> BodyPosition(int body) => new(data->xpos + 3 * body, 3);

    /// <summary>(w, x, y, z).</summary>
    public ReadOnlySpan<double> BodyQuaternion(int body) => new(data->xquat + 4 * body, 4);

    public ReadOnlySpan<double> SitePosition(int site) => new(data->site_xpos + 3 * site, 3);

    /// <summary>The rotation from the site's to the world's axes, row after row.</summary>
    public ReadOnlySpan<double> SiteMatrix(int site) => new(data->site_xmat + 9 * site, 9);

    /// <summary>The site's velocity in world axes: its Jacobian (at the last computed kinematics) times the joint velocities.</summary>
    /// <param name="site">Which.</param>
    /// <param name="linear">3, in m/s.</param>
    /// <param name="angular">3, in rad/s; or empty.</param>
    public void SiteVelocity(int site, Span<double> linear, Span<double> angular)
    {
        int nv = model.Pointer->nv;
        bool turning = angular.Length > 0;
        MuJoCoLibrary.mj_jacSite(model.Pointer, data, jacobian, turning ? jacobian + 3 * nv : null, site);
        for (int row = 0; row < (turning ? 6 : 3); row++)
        {
            double sum = 0;
            for (int i = 0; i < nv; i++)
                sum += jacobian[row * nv + i] * data->qvel[i];
            if (row < 3)
                linear[row] = sum;
            else
                angular[row - 3] = sum;
        }
    }

    /// <summary>Back to the model's reference pose, at rest, time 0.</summary>
    public void Reset() => MuJoCoLibrary.mj_resetData(model.Pointer, Pointer);

    /// <summary>Moves on by <paramref name="count"/> time steps.</summary>
    /// <returns>
    /// False where a position, velocity, acceleration or control became NaN or larger than 1e10: the simulation is back at its reference
    /// pose then, and what it was simulating is lost.
    /// </returns>
    public bool Step(int count)
    {
        MjModel* m = model.Pointer;
        MjData* d = Pointer;
        for (int i = 0; i < count; i++)
            MuJoCoLibrary.mj_step(m, d);

        // MuJoCo tests what a step starts from, and resets itself where that is bad; what the last one came to is tested here.
        ref MjWarningStatBlock8 warning = ref d->warning;
        bool warned = warning[MjConstants.WARN_BADQPOS].number + warning[MjConstants.WARN_BADQVEL].number
            + warning[MjConstants.WARN_BADQACC].number + warning[MjConstants.WARN_BADCTRL].number > 0;
        if (!warned && IsSound())
            return true;
        Reset();
        return false;
    }

    /// <summary>Computes everything from the state without moving on (this sets the warm start too).</summary>
    public void Forward() => MuJoCoLibrary.mj_forward(model.Pointer, Pointer);

    /// <summary>Computes where the bodies, geoms and sites are, and nothing that decides the future.</summary>
    public void Kinematics() => MuJoCoLibrary.mj_kinematics(model.Pointer, Pointer);

    /// <summary>Computes where everything is that can be seen, cameras and lights too.</summary>
    public void Place()
    {
        MuJoCoLibrary.mj_kinematics(model.Pointer, Pointer);
        MuJoCoLibrary.mj_comPos(model.Pointer, data);
        MuJoCoLibrary.mj_camlight(model.Pointer, data);
    }

    /// <summary>Writes what decides the future, <see cref="StateBytes"/>.</summary>
    public void Save(Span<byte> bytes)
    {
        Span<double> values = MemoryMarshal.Cast<byte, double>(bytes)[..Doubles(model.Pointer)];
        values[0] = data->time;
        values = values[1..];
        Put(Qpos, ref values);
        Put(Qvel, ref values);
        Put(QaccWarmstart, ref values);
        Put(Ctrl, ref values);
        Put(MocapPositions, ref values);
        Put(MocapQuaternions, ref values);
    }

    /// <summary>Takes over what <see cref="Save"/> wrote. Bodies and sites are where they were before until they are computed.</summary>
    public void Load(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<double> values = MemoryMarshal.Cast<byte, double>(bytes)[..Doubles(model.Pointer)];
        data->time = values[0];
        values = values[1..];
        Take(ref values, Qpos);
        Take(ref values, Qvel);
        Take(ref values, QaccWarmstart);
        Take(ref values, Ctrl);
        Take(ref values, MocapPositions);
        Take(ref values, MocapQuaternions);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static int Doubles(MjModel* m) => 1 + m->nq + 2 * m->nv + m->nu + 7 * m->nmocap;

    private static void Put(ReadOnlySpan<double> values, ref Span<double> rest)
    {
        values.CopyTo(rest);
        rest = rest[values.Length..];
    }

    private static void Take(ref ReadOnlySpan<double> rest, Span<double> values)
    {
        rest[..values.Length].CopyTo(values);
        rest = rest[values.Length..];
    }

    private bool IsSound() => IsSound(Qpos) && IsSound(Qvel);

    private static bool IsSound(ReadOnlySpan<double> values)
    {
        foreach (double value in values)
        {
            if (!(Math.Abs(value) <= 1e10))
                return false;
        }

        return true;
    }

    private void Free()
    {
        if (data is null)
            return;
        MuJoCoLibrary.mj_deleteData(data);
        data = null;
        NativeMemory.Free(jacobian);
    }
}
