using System.Runtime.InteropServices;

namespace Hem.Trainer.Rendering;

/// <summary>
/// A shared library and its functions. MuJoCo looks for its way to OpenGL among the symbols of the whole process, and .NET's own loader
/// keeps those of a library to itself.
/// </summary>
internal sealed partial class DynamicLibrary
{
    private const int Now = 2, Global = 0x100;
    private readonly nint handle;

    private DynamicLibrary(string name, nint handle) => (Name, this.handle) = (name, handle);

    public string Name { get; }

    /// <summary>Null where there is no such library.</summary>
    public static DynamicLibrary? TryLoad(string name) =>
        Open(name, Now) is var handle and not 0 ? new DynamicLibrary(name, handle) : null;

    /// <summary>Lets all libraries of this process find this one's functions.</summary>
    public void Publish() => _ = Open(Name, Now | Global);

    /// <summary>The address of a function.</summary>
    /// <exception cref="EntryPointNotFoundException">The library does not have it.</exception>
    public nint Function(string name) => Find(handle, name) is var address and not 0
        ? address
        : throw new EntryPointNotFoundException($"{Name} has no function {name}");

    /// <summary>
    /// Sets a variable of the environment that native code reads, unless it is set; .NET's own setter is not seen by native code.
    /// </summary>
    public static void SetDefaultVariable(string name, string value) => _ = SetVariable(name, value, overwrite: 0);

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string name, int flags);

    [LibraryImport("libc", EntryPoint = "dlsym", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Find(nint library, string name);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
