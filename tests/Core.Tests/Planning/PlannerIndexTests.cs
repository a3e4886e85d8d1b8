using FsCheck;
using FsCheck.Fluent;
using Hem.Core.Planning;

namespace Core.Tests.Planning;

/// <summary>The parts of the index against the plain way of doing the same.</summary>
public class PlannerIndexTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(300);

    [Fact]
    public void An_index_set_holds_what_a_sorted_set_holds() =>
        Check.One(Runs, Prop.ForAll(
            Gen.Choose(0, 9999).Zip(Gen.Elements(true, true, false)).ListOf().ToArbitrary(),
            changes =>
            {
                var (set, plain) = (new IndexSet(10_000), new SortedSet<int>());
                foreach (var (item, add) in changes.Concat(changes.Select(c => (c.Item1, !c.Item2))).ToList())
                {
                    if (add)
                    {
                        set.Add(item);
                        plain.Add(item);
                    }
                    else
                    {
                        set.Remove(item);
                        plain.Remove(item);
                    }
                    set.Items().ShouldBe(plain);
                    set.Count.ShouldBe(plain.Count);
                }
            }));

    [Fact]
    public void The_activity_clock_measures_the_union_of_spans_in_any_order() =>
        Check.One(Runs, Prop.ForAll(
            Triples(Gen.Choose(0, 1000), Gen.Choose(0, 60), Gen.Choose(-1, 1000)),
            steps =>
            {
                var (clock, plain) = (new ActivityClock(), new List<HeldTime>());
                foreach (var (from, length, open) in steps)
                {
                    clock.Add(from, from + length);
                    plain.Add(Span(from, from + length));
                    var expected = Oracle.Union(open < 0 ? plain : plain.Append(Span(open, 1100))).Ticks;
                    clock.Elapsed(open < 0 ? null : open, 1100).ShouldBe(expected);
                }
            }));

    [Fact]
    public void The_retry_queue_counts_what_is_due_at_any_time() =>
        Check.One(Runs, Prop.ForAll(
            Triples(Gen.Choose(1, 100), Gen.Choose(0, 9), Gen.Choose(1, 100)),
            steps =>
            {
                var (queue, plain) = (new RetryQueue(), new SortedSet<(long Due, int Order)>());
                foreach (var (at, order, now) in steps)
                {
                    if (plain.Add((at, order)))
                        queue.Add(at, order);
                    else if (plain.Remove((at, order)))
                        queue.Remove(at, order);
                    queue.CountDue(now).ShouldBe(plain.Count(p => p.Due <= now));
                    queue.Due(now).ShouldBe(plain.Where(p => p.Due <= now).Select(p => p.Order));
                    queue.NextAfter(now).ShouldBe(plain.Where(p => p.Due > now).Select(p => (long?)p.Due).FirstOrDefault());
                }
            }));

    private static Arbitrary<List<(int First, int Second, int Third)>> Triples(Gen<int> first, Gen<int> second, Gen<int> third) =>
        (from a in first from b in second from c in third select (a, b, c)).ListOf().ToArbitrary();

    private static HeldTime Span(long from, long to) =>
        new(new DateTimeOffset(from, TimeSpan.Zero), new DateTimeOffset(to, TimeSpan.Zero));
}
