namespace Hem.Results;

/// <summary>What is wrong with a store.</summary>
public enum StoreFault
{
    /// <summary>There is no store at that place.</summary>
    NotFound,

    /// <summary>Another process holds it, or has taken it over.</summary>
    Locked,

    /// <summary>The database cannot be reached now. What was asked may be asked again.</summary>
    Unavailable,

    /// <summary>The disk is full. Nothing stored was lost; writing works again once there is space.</summary>
    DiskFull,

    /// <summary>The place cannot be written to.</summary>
    ReadOnly,

    /// <summary>The file is damaged or no database of Hem's.</summary>
    Corrupt,

    /// <summary>A newer Hem wrote it.</summary>
    TooNew,

    /// <summary>What was asked contradicts what is stored (an unknown sweep or attempt, a name with another hash).</summary>
    Conflict,

    /// <summary>The disk or the file system failed.</summary>
    Io,
}

/// <summary>A store that cannot do what was asked. The message says what, where and what to do; it is fit for a user's eyes.</summary>
public sealed class StoreException : Exception
{
    public StoreException(StoreFault fault, string message, Exception? inner = null)
        : base(message, inner) => Fault = fault;

    public StoreFault Fault { get; }

    /// <summary>Set when <see cref="Fault"/> is <see cref="StoreFault.Locked"/> and the holder is known.</summary>
    public StoreHolder? Holder { get; init; }

    internal static StoreException NotAFolder(string directory, string file, Exception? inner = null) => new(StoreFault.NotFound,
        $"{directory}: a store is a folder, and {(file == directory ? "this" : file)} is a file. "
        + "Choose another store with --store.", inner);

    /// <summary>A folder that could not be made.</summary>
    internal static StoreException FromMaking(Exception e, string directory)
    {
        for (var at = directory; at is not null; at = Path.GetDirectoryName(at))
            if (File.Exists(at)) return NotAFolder(directory, at, e);
        return (e.HResult & 0xffff) is 28 or 30
            ? FromIo(e, directory)
            : new(StoreFault.ReadOnly,
                $"{directory}: this folder cannot be made. Check the path and the permissions, or choose another store with --store.", e);
    }

    // HResult holds the errno where .NET has no name of its own for it.
    internal static StoreException FromIo(Exception e, string path) => (e.HResult & 0xffff) switch
    {
        28 => new(StoreFault.DiskFull, $"{path}: the disk is full. Free some space and try again.", e),
        30 => new(StoreFault.ReadOnly, $"{path}: is on a read-only file system. Choose another store with --store.", e),
        _ when e is UnauthorizedAccessException => new(StoreFault.ReadOnly,
            $"{path}: cannot be written to. Check its permissions, or choose another store with --store.", e),
        _ => new(StoreFault.Io, $"{path}: {e.Message}", e),
    };
}
