namespace Hem.TestCluster;

/// <summary>
/// The one set of timeouts that tests wait with: long enough for a machine with other work, since a test that passes never waits them out.
/// </summary>
public static class Timeouts
{
    /// <summary>What the API server or a controller does at once.</summary>
    public static readonly TimeSpan Quick = TimeSpan.FromSeconds(30);

    /// <summary>What takes several steps: a Job to its pod, a sweep of flipped pods to its end, a change of leader.</summary>
    public static readonly TimeSpan Normal = TimeSpan.FromMinutes(2);

    /// <summary>What starts containers or trains.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    /// <summary>Between two looks at a condition.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);
}
