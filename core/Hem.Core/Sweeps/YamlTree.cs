using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Hem.Core.Sweeps;

/// <summary>Parses YAML to nodes. What is legal YAML but never needed here (aliases, tags, several documents) is refused.</summary>
internal sealed class YamlTree
{
    /// <summary>A sweep needs some eight levels; this bounds the recursion.</summary>
    public const int Deepest = 32;

    private readonly Scanner scanner;
    private readonly Parser parser;
    private readonly FaultList faults;
    private int line = 1;

    private YamlTree(string text, FaultList faults)
    {
        scanner = new Scanner(new StringReader(text), skipComments: true);
        parser = new Parser(scanner);
        this.faults = faults;
    }

    /// <summary>The document, or null where it could not be read to its end; what is wrong is added to the faults.</summary>
    public static SpecNode? Parse(string text, FaultList faults)
    {
        var tree = new YamlTree(text, faults);
        try
        {
            return tree.Document();
        }
        catch (TooDeepException e)
        {
            faults.Add(new Fault("", null, $"is nested more than {Deepest} levels deep", Line: e.Line));
        }
        catch (YamlException e)
        {
            faults.Add(new Fault("", null, $"not valid YAML: {Explain(e)}", Line: LineOf(e)));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The parser answers some malformed input (a version number that overflows, for one) with other exceptions than its own, and
            // those say nothing to a reader.
            var line = Math.Max(tree.line, tree.scanner.CurrentPosition.Line);
            faults.Add(new Fault("", null, "not valid YAML: cannot be read from here on", Line: (int)Math.Min(line, int.MaxValue)));
        }
        return null;
    }

    // What was begun and never ended is best looked for where it began; all else is wrong where the parser stopped.
    private static int LineOf(YamlException e)
    {
        var unended = e.Message.Contains("end of stream", StringComparison.Ordinal)
            || e.Message.Contains("quoted scalar", StringComparison.Ordinal);
        return (int)Math.Clamp(unended ? e.Start.Line : Math.Max(e.Start.Line, e.End.Line), 1, int.MaxValue);
    }

    private static string Explain(YamlException e)
    {
        var reason = e.InnerException?.Message ?? e.Message;
        var maybeTab = reason.Contains("tab", StringComparison.OrdinalIgnoreCase)
            || reason.Contains("cannot start any token", StringComparison.Ordinal);
        return maybeTab ? $"{reason} (indent with spaces, never with tabs)" : reason;
    }

    private SpecNode? Document()
    {
        Next<StreamStart>();
        if (Take() is StreamEnd) return null;
        var root = Node(Take(), 0);
        Next<DocumentEnd>();
        if (Take() is DocumentStart second)
            faults.Add(new Fault("", null, "holds more than one document: a file holds one sweep", Line: LineOf(second)));
        return root;
    }

    private SpecNode Node(ParsingEvent item, int depth)
    {
        if (depth > Deepest) throw new TooDeepException(LineOf(item));
        switch (item)
        {
            case Scalar scalar:
                return Scalar(scalar);
            case AnchorAlias alias:
                return new SpecNode(SpecNodeKind.Refused, LineOf(alias)) { Problem = $"*{alias.Value} is an alias: write the value out" };
            case SequenceStart start:
                return IsForeign(start.Tag, "tag:yaml.org,2002:seq") ? Skip(start, depth) : List(start, depth);
            case MappingStart start:
                return IsForeign(start.Tag, "tag:yaml.org,2002:map") ? Skip(start, depth) : Map(start, depth);
            default:
                throw new SyntaxErrorException(item.Start, item.End, "a value was expected here");
        }
    }

    private SpecNode List(SequenceStart start, int depth)
    {
        var list = new SpecNode(SpecNodeKind.List, LineOf(start));
        for (var item = Take(); item is not SequenceEnd; item = Take())
        {
            faults.Enter(list.Items.Count);
            list.Items.Add(Node(item, depth + 1));
            faults.Leave();
        }
        return list;
    }

    private SpecNode Map(MappingStart start, int depth)
    {
        var map = new SpecNode(SpecNodeKind.Map, LineOf(start));
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var item = Take(); item is not MappingEnd; item = Take())
        {
            if (item is not Scalar { Value.Length: > 0 } name || name.Value == "<<")
            {
                var what = item is Scalar { Value: "<<" } ? "'<<' merges another object" : "the name of a field must be plain text";
                faults.AddHere(null, $"{what}: write the fields out by name", LineOf(item));
                Node(item, depth + 1);
                Node(Take(), depth + 1);
                continue;
            }

            faults.Enter(name.Value);
            var value = Node(Take(), depth + 1);
            if (names.Add(name.Value)) map.Fields.Add(new SpecField(name.Value, LineOf(name), value));
            else faults.AddHere(value.Show(), "is given twice", LineOf(name));
            faults.Leave();
        }
        return map;
    }

    private static SpecNode Scalar(Scalar scalar)
    {
        var at = LineOf(scalar);
        if (IsForeign(scalar.Tag, "tag:yaml.org,2002:str"))
            return new SpecNode(SpecNodeKind.Refused, at) { Problem = $"has the YAML tag {scalar.Tag.Value}: leave the tag out" };
        return scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty
            ? YamlScalar.Resolve(scalar.Value, at)
            : new SpecNode(SpecNodeKind.Scalar, at) { Scalar = scalar.Value };
    }

    private SpecNode Skip(NodeEvent start, int depth)
    {
        if (start is SequenceStart list) List(list, depth);
        else Map((MappingStart)start, depth);
        return new SpecNode(SpecNodeKind.Refused, LineOf(start)) { Problem = $"has the YAML tag {start.Tag.Value}: leave the tag out" };
    }

    private static bool IsForeign(TagName tag, string allowed) => !tag.IsEmpty && !tag.IsNonSpecific && tag.Value != allowed;

    private T Next<T>()
        where T : ParsingEvent =>
        Take() is T expected ? expected : throw new SyntaxErrorException(parser.Current!.Start, parser.Current.End, "ends too early");

    private ParsingEvent Take()
    {
        if (!parser.MoveNext()) throw new SyntaxErrorException("the text ends too early");
        line = LineOf(parser.Current!);
        return parser.Current!;
    }

    private static int LineOf(ParsingEvent item) => (int)Math.Clamp(item.Start.Line, 1, int.MaxValue);

    private sealed class TooDeepException(int line) : Exception
    {
        public int Line { get; } = line;
    }
}
