using Hem.Kubernetes.Tests.Support;

namespace Hem.Kubernetes.Tests.Client;

public class RateLimiterTests
{
    [Fact]
    public void A_burst_goes_at_once_and_the_rest_at_its_rate()
    {
        var time = new ManualTime();
        var limiter = new RateLimiter(10, 3, time);
        var waits = Enumerable.Range(0, 6).Select(_ => limiter.WaitAsync(default).AsTask()).ToList();
        waits.Count(wait => wait.IsCompleted).ShouldBe(3);
        time.Advance(TimeSpan.FromSeconds(0.1));
        waits.Count(wait => wait.IsCompleted).ShouldBe(4);
        time.Advance(TimeSpan.FromSeconds(0.2));
        waits.ShouldAllBe(wait => wait.IsCompleted);
    }

    [Fact]
    public void A_long_quiet_time_saves_no_more_than_a_burst()
    {
        var time = new ManualTime();
        var limiter = new RateLimiter(10, 3, time);
        time.Advance(TimeSpan.FromHours(1));
        Enumerable.Range(0, 6).Select(_ => limiter.WaitAsync(default).AsTask()).ToList().Count(wait => wait.IsCompleted).ShouldBe(3);
    }
}
