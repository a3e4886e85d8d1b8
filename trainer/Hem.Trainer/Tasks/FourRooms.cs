namespace Hem.Trainer.Tasks;

/// <summary>How four rooms shows a cell to the network.</summary>
internal enum CellEncoding
{
    /// <summary>121 floats, one of them 1.</summary>
    OneHot,

    /// <summary>The two integers (row, column) as floats.</summary>
    Raw,
}

/// <summary>
/// Four rooms (the maze of Rauber et al. 2019): an 11 x 11 grid, row 0 at the top; start uniform over the corners, goal uniform over
/// the other free cells; an action slips to a uniform one with probability 0.2; 31 actions by default. Stored as one byte, 11 row + column.
/// </summary>
internal sealed class FourRooms(CellEncoding encoding = CellEncoding.OneHot, int? horizon = null) : IDiscreteTask
{
    public const int Side = 11;
    public const int Cells = Side * Side;
    public const double SlipProbability = 0.2;

    private const string Map =
        ".....#....." +
        ".....#....." +
        "..........." +
        ".....#....." +
        ".....#....." +
        "#.####....." +
        ".....###.##" +
        ".....#....." +
        ".....#....." +
        "..........." +
        ".....#.....";

    private static readonly byte[] Successors = MakeSuccessors();

    public static ReadOnlySpan<byte> Starts => [0, Side - 1, Cells - Side, Cells - 1];

    /// <summary>The free cells that are not corners, in reading order.</summary>
    public static ReadOnlySpan<byte> Goals => GoalCells;

    private static readonly byte[] GoalCells =
        [.. Enumerable.Range(0, Cells).Where(cell => IsFree(cell) && !Starts.Contains((byte)cell)).Select(cell => (byte)cell)];

    public string Name => "fourrooms";

    public int Horizon { get; } = horizon ?? 31;

    public int Actions => 4;

    public int StateBytes => 1;

    public int GoalBytes => 1;

    public int SimulationBytes => 0;

    public InputShape Input => encoding == CellEncoding.OneHot ? InputShape.OfVectors(Cells, Cells) : InputShape.OfVectors(2, 2);

    public bool IsDeterministic => false;

    public static bool IsFree(int cell) => Map[cell] == '.';

    /// <summary>Where an action (0 up, 1 down, 2 left, 3 right) that does not slip leads; into a wall or off the grid: nowhere.</summary>
    public static int Move(int cell, int action) => Successors[4 * cell + action];

    public StepOutcome Reset(ref RandomStream random, Span<byte> simulation, Span<byte> state, Span<byte> goal)
    {
        state[0] = Starts[random.Below(Starts.Length)];
        goal[0] = GoalCells[random.Below(GoalCells.Length)];
        return StepOutcome.Stepped;
    }

    public void Step(ref RandomStream random, Span<byte> simulation, Span<byte> state, int action)
    {
        if (random.NextDouble() < SlipProbability)
            action = random.Below(4);

        state[0] = Successors[4 * state[0] + action];
    }

    public void AchievedGoal(ReadOnlySpan<byte> state, Span<byte> goal) => goal[0] = state[0];

    public bool IsSuccess(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal) => state[0] == goal[0];

    public void Encode(ReadOnlySpan<byte> state, ReadOnlySpan<byte> goal, Span<float> input)
    {
        if (encoding == CellEncoding.OneHot)
        {
            input[..(2 * Cells)].Clear();
            input[state[0]] = 1;
            input[Cells + goal[0]] = 1;
            return;
        }

        (input[0], input[1]) = (state[0] / Side, state[0] % Side);
        (input[2], input[3]) = (goal[0] / Side, goal[0] % Side);
    }

    private static byte[] MakeSuccessors()
    {
        ReadOnlySpan<(int Rows, int Columns)> moves = [(-1, 0), (1, 0), (0, -1), (0, 1)];
        var successors = new byte[4 * Cells];
        for (int cell = 0; cell < Cells; cell++)
        {
            for (int action = 0; action < 4; action++)
            {
                int row = cell / Side + moves[action].Rows, column = cell % Side + moves[action].Columns;
                bool open = row is >= 0 and < Side && column is >= 0 and < Side && IsFree(row * Side + column);
                successors[4 * cell + action] = (byte)(open ? row * Side + column : cell);
            }
        }

        return successors;
    }
}
