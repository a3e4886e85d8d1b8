using System.Collections;
using System.Reflection;
using System.Text.Json;
using Hem.TestCluster;

namespace Hem.Kubernetes.Tests.Models;

/// <summary>The client's types against those of a current Kubernetes: no field is misspelt, of another type, or gone.</summary>
public sealed class CurrentTypesTests
{
    [Fact]
    public async Task Every_field_of_every_kind_is_known_to_a_current_Kubernetes()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("HEM_SOAK") is { Length: > 0 }, "builds a Go program: runs in make soak");
        var written = new List<string>();
        foreach (var property in typeof(Resources).GetProperties(BindingFlags.Public | BindingFlags.Static))
        {
            if (property.GetValue(null) is ResourceKind<UnstructuredObject>) continue;
            written.Add((string)GetType().GetMethod(nameof(Written), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(property.PropertyType.GetGenericArguments()).Invoke(null, [property.GetValue(null)])!);
        }
        var request = (V1TokenRequest)Filled(typeof(V1TokenRequest));
        (request.ApiVersion, request.Kind) = ("authentication.k8s.io/v1", "TokenRequest");
        written.Add(JsonSerializer.Serialize(request, KubernetesJson.Default.V1TokenRequest));
        written.Count.ShouldBeGreaterThan(10);
        (await FaultsAsync(written)).ShouldBeEmpty();

        // And it would be seen.
        (await FaultsAsync([.. written.Select(one => one.Replace("\"restartPolicy\"", "\"restartPolice\""))]))
            .ShouldContain("unknown field \"spec.template.spec.restartPolice\"");
    }

    private static async Task<string> FaultsAsync(IEnumerable<string> objects)
    {
        try
        {
            return await CurrentTypes.FaultsAsync(string.Join("\n---\n", objects), [], TestContext.Current.CancellationToken);
        }
        catch (CannotException cannot)
        {
            Assert.Skip(cannot.Message);
            throw;
        }
    }

    private static string Written<T>(ResourceKind<T> kind)
        where T : class, IKubernetesObject
    {
        var item = (T)Filled(typeof(T));
        (item.ApiVersion, item.Kind) = (kind.ApiVersion, kind.Kind);
        return JsonSerializer.Serialize(item, kind.Json);
    }

    /// <summary>An object with a value in every field, down to the last. Each text is a quantity too.</summary>
    private static object Filled(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "1";
        if (type == typeof(bool)) return true;
        if (type == typeof(byte[])) return new byte[] { 1 };
        if (type == typeof(DateTimeOffset)) return DateTimeOffset.UnixEpoch;
        if (type.IsPrimitive) return Convert.ChangeType(1, type);
        var made = Activator.CreateInstance(type)!;
        switch (made)
        {
            case IList list:
                list.Add(Filled(type.GetGenericArguments()[0]));
                break;
            case IDictionary map:
                map.Add("key", Filled(type.GetGenericArguments()[1]));
                break;
            default:
                foreach (var property in type.GetProperties().Where(property => property.CanWrite))
                    property.SetValue(made, Filled(property.PropertyType));
                break;
        }
        return made;
    }
}
