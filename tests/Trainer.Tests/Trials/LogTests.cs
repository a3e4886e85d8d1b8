using System.Text.Json;
using Hem.Trainer.Trials;

namespace Trainer.Tests.Trials;

public class LogTests
{
    [Fact]
    public void As_JSON_each_event_is_one_line_with_its_level_and_what_it_is_about()
    {
        var text = new StringWriter();
        var log = new Log(text, TimeProvider.System, json: true);
        log.Line("before it is known what it is about");
        log.About("sweep", "trial-1", "attempt-1");
        log.Warning("first line\nsecond \"line\"");
        log.Error("failed: out of luck");
        JsonElement[] lines = [.. text.ToString().Trim().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        lines.Select(line => line.GetProperty("LogLevel").GetString()).ShouldBe(["Information", "Warning", "Error"]);
        lines[1].GetProperty("Message").GetString().ShouldBe("first line\nsecond \"line\"");
        lines[1].GetProperty("State").GetProperty("Sweep").GetString().ShouldBe("sweep");
        lines[1].GetProperty("State").GetProperty("Trial").GetString().ShouldBe("trial-1");
        lines[2].GetProperty("State").GetProperty("Attempt").GetString().ShouldBe("attempt-1");
        DateTimeOffset.Parse(lines[2].GetProperty("Timestamp").GetString()!).ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public void A_trainer_that_is_not_told_what_to_do_says_so_as_it_was_asked_to()
    {
        var error = new StringWriter();
        TrainerProgram.Execute([], name => name == "HEM_LOG_FORMAT" ? "json" : null, new StringWriter(), error).ShouldBe(64);
        JsonDocument.Parse(error.ToString()).RootElement.GetProperty("Message").GetString()!.ShouldContain("HEM_TRIAL");
    }
}
