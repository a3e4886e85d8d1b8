using FsCheck;
using FsCheck.Fluent;
using Hem.Core.Sweeps;

namespace Core.Tests.Sweeps;

public class ParameterSetTests
{
    [Fact]
    public void Twenty_is_twenty_however_it_is_written()
    {
        ((ParameterValue)20).ShouldBe((ParameterValue)20.0);
        ((ParameterValue)20).GetHashCode().ShouldBe(((ParameterValue)20.0).GetHashCode());
        ((ParameterValue)0.0 == -0.0).ShouldBeTrue();
        ((ParameterValue)0.0).GetHashCode().ShouldBe(((ParameterValue)(-0.0)).GetHashCode());
        ((ParameterValue)20 == "20").ShouldBeFalse();
        ((ParameterValue)1 == true).ShouldBeFalse();
    }

    [Fact]
    public void A_value_gives_itself_only_as_what_it_is()
    {
        ((ParameterValue)20).AsInt().ShouldBe(20);
        ((ParameterValue)"vector").AsString().ShouldBe("vector");
        Should.Throw<InvalidOperationException>(() => ((ParameterValue)2.5).AsInt());
        Should.Throw<InvalidOperationException>(() => ((ParameterValue)1e10).AsInt());
        Should.Throw<InvalidOperationException>(() => ((ParameterValue)20).AsString());
        Should.Throw<InvalidOperationException>(() => ((ParameterValue)"20").AsDouble());
        Should.Throw<InvalidOperationException>(() => ((ParameterValue)1).AsBool());
    }

    [Fact]
    public void Sets_are_equal_in_any_order()
    {
        var one = ParameterSet.Of(("task", "fourrooms"), ("N", 5), ("algorithm", "hem"));
        var other = ParameterSet.Of(("algorithm", "hem"), ("N", 5.0), ("task", "fourrooms"));
        one.ShouldBe(other);
        one.GetHashCode().ShouldBe(other.GetHashCode());
        one.ToJson().ShouldBe("""{"N":5,"algorithm":"hem","task":"fourrooms"}""");
        one.With("N", 6).ShouldNotBe(one);
        one.Without("N").Find("N").ShouldBeNull();
    }

    [Fact]
    public void A_name_given_twice_is_refused() =>
        Should.Throw<ArgumentException>(() => ParameterSet.Of(("N", 5), ("N", 6)));

    [Fact]
    public void Merging_is_what_a_dictionary_would_do()
    {
        var sets = from names in Gen.Elements("a", "b", "c", "d", "e", "N").ListOf()
                   from values in Gen.Choose(0, 3).ListOf(names.Count)
                   select names.Zip(values).DistinctBy(pair => pair.First).ToDictionary(pair => pair.First, pair => pair.Second);
        var property = Prop.ForAll(sets.ToArbitrary(), sets.ToArbitrary(), (below, above) =>
        {
            var merged = Set(below).With(Set(above));
            foreach (var (name, value) in above) below[name] = value;
            return merged.Equals(Set(below)) && merged.Keys.SequenceEqual(below.Keys.Order(StringComparer.Ordinal));
        });
        Check.QuickThrowOnFailure(property);

        static ParameterSet Set(Dictionary<string, int> values) =>
            ParameterSet.From(values.Select(pair => KeyValuePair.Create(pair.Key, (ParameterValue)pair.Value)));
    }
}
