using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Hem.Metrics;

/// <summary>What every Prometheus client tells of its process, under the names that they all use.</summary>
public sealed class ProcessMetrics : IDisposable
{
    public const string MeterName = "Hem.Process";

    private readonly Meter _meter = new(MeterName);

    /// <param name="program">For `hem_build_info`: hem-operator, hem-trainer.</param>
    /// <param name="version">Its version.</param>
    public ProcessMetrics(string program, string version)
    {
        double started = new DateTimeOffset(Process.GetCurrentProcess().StartTime).ToUnixTimeMilliseconds() / 1000.0;
        _meter.CreateObservableCounter("process_cpu_seconds_total", () => Environment.CpuUsage.TotalTime.TotalSeconds, "s",
            "Processor time of the process, user and system, s.");
        _meter.CreateObservableGauge("process_resident_memory_bytes", () => Environment.WorkingSet, "By",
            "Resident memory of the process.");
        _meter.CreateObservableGauge("process_virtual_memory_bytes", VirtualMemory, "By",
            "Virtual memory of the process.");
        _meter.CreateObservableGauge("process_start_time_seconds", () => started, "s", "When the process started, Unix time.");
        _meter.CreateObservableGauge("process_open_fds", OpenFiles, null, "Open file descriptors.");
        long? mostFiles = MostOpenFiles();
        _meter.CreateObservableGauge(
            "process_max_fds", () => mostFiles is { } most ? [new Measurement<long>(most)] : Array.Empty<Measurement<long>>(), null,
            "File descriptors that may be open at most.");
        _meter.CreateObservableGauge("dotnet_total_memory_bytes", () => GC.GetTotalMemory(false), "By", "Managed memory in use.");
        _meter.CreateObservableCounter("dotnet_collection_count_total", Collections, null, "Garbage collections, by generation.");
        KeyValuePair<string, object?>[] build = [new("program", program), new("version", version)];
        _meter.CreateObservableGauge("hem_build_info", () => new Measurement<int>(1, build), null, "Always 1; what runs.");
    }

    public void Dispose() => _meter.Dispose();

    private static long OpenFiles() =>
        OperatingSystem.IsLinux() ? Directory.GetFileSystemEntries(Path.Join("/proc", "self", "fd")).Length : 0;

    private static long VirtualMemory()
    {
        using var self = Process.GetCurrentProcess();
        return self.VirtualMemorySize64;
    }

    /// <summary>Null where there is no limit, or none is known.</summary>
    private static long? MostOpenFiles()
    {
        const string Limit = "Max open files";
        if (!OperatingSystem.IsLinux()) return null;
        var line = File.ReadLines(Path.Join("/proc", "self", "limits")).FirstOrDefault(
            line => line.StartsWith(Limit, StringComparison.Ordinal));
        var soft = line?[Limit.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, CultureInfo.InvariantCulture, out var most) ? most : null;
    }

    private static IEnumerable<Measurement<int>> Collections() => Enumerable.Range(0, GC.MaxGeneration + 1)
        .Select(generation => new Measurement<int>(
            GC.CollectionCount(generation), new KeyValuePair<string, object?>("generation", generation)));
}
