using System.Net;
using Hem.Kubernetes.Tests.Support;

namespace Hem.Kubernetes.Tests;

public sealed class LastingTroubleTests
{
    [Fact]
    public void It_is_news_once_a_minute_for_each_kind()
    {
        var time = new ManualTime();
        var trouble = new LastingTrouble(time);
        trouble.IsNews("away").ShouldBeTrue();
        trouble.IsNews("away").ShouldBeFalse();
        trouble.IsNews("forbidden").ShouldBeTrue();
        time.Advance(TimeSpan.FromSeconds(59));
        trouble.IsNews("away").ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        trouble.IsNews("away").ShouldBeTrue();
        trouble.IsNews("away").ShouldBeFalse();
    }

    [Fact]
    public void The_same_refusal_of_another_object_is_the_same_kind_and_a_fault_of_the_program_never_is()
    {
        string Refused(string name) => LastingTrouble.KindOf(new KubernetesException(
            $"jobs \"{name}\" is forbidden", new V1Status { Reason = "Forbidden" }, HttpStatusCode.Forbidden));
        Refused("a").ShouldBe(Refused("b"));
        LastingTrouble.KindOf(new InvalidOperationException("a")).ShouldNotBe(LastingTrouble.KindOf(new InvalidOperationException("b")));
        LastingTrouble.KindOf(new HttpRequestException(HttpRequestError.ConnectionError)).ShouldNotBe(
            LastingTrouble.KindOf(new HttpRequestException(HttpRequestError.SecureConnectionError)));
    }
}
