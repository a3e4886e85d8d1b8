using System.Text;

namespace Hem.Metrics;

/// <summary>Names of labels.</summary>
public static class LabelName
{
    /// <summary>As Prometheus wants them: `batchSize` becomes `batch_size`; `N` stays.</summary>
    public static string Of(string parameter)
    {
        var name = new StringBuilder(parameter.Length + 4);
        for (var i = 0; i < parameter.Length; i++)
        {
            var isHump = i > 0 && char.IsAsciiLetterUpper(parameter[i]) && char.IsAsciiLetterLower(parameter[i - 1]);
            name.Append(isHump ? $"_{char.ToLowerInvariant(parameter[i])}" : $"{parameter[i]}");
        }

        return name.ToString();
    }
}
