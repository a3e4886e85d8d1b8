package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Documented is a value of values.yaml with a comment that begins with "-- ": it is what people set.
type Documented struct{ Path, Text string }

var key = regexp.MustCompile(`^( *)([A-Za-z0-9]+):(.*)$`)

// documented reads the comments of values.yaml. Each value has one, itself or an object that it is part of.
func documented(chart *Chart) ([]Documented, error) {
	var found []Documented
	var path []string
	var comment []string
	within := -1 // the depth of the documented value that lines belong to
	for number, line := range strings.Split(chart.ValuesRaw, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") {
			text := strings.TrimSpace(strings.TrimPrefix(trimmed, "#"))
			if strings.HasPrefix(text, "-- ") {
				comment = []string{strings.TrimPrefix(text, "-- ")}
			} else if comment != nil {
				comment = append(comment, text)
			}
			continue
		}
		match := key.FindStringSubmatch(line)
		if match == nil {
			comment = nil
			continue
		}
		depth := len(match[1]) / 2
		if depth > len(path) {
			return nil, fmt.Errorf("values.yaml:%d: indented by more than two", number+1)
		}
		path = append(path[:depth], match[2])
		if within >= 0 && depth > within {
			comment = nil
			continue
		}
		within = -1
		if comment != nil {
			found = append(found, Documented{strings.Join(path, "."), strings.Join(comment, " ")})
			within, comment = depth, nil
			continue
		}
		if rest := strings.TrimSpace(match[3]); rest != "" && !strings.HasPrefix(rest, "#") {
			return nil, fmt.Errorf("values.yaml:%d: %s has no comment that begins with '# -- '", number+1, strings.Join(path, "."))
		}
	}
	return found, nil
}

// readme writes the chart's README: Chart.yaml's description, README.head.md, and a table of the values.
func readme(chart *Chart) (string, error) {
	values, err := documented(chart)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s\n\n", chart.Metadata.Name, chart.Metadata.Description)
	fmt.Fprintf(&out, "<!-- Written by `make manifests` from Chart.yaml, README.head.md and the comments of values.yaml: edit those. -->\n\n")
	out.WriteString(chart.Head)
	out.WriteString("\n## Values\n\n| value | default | what |\n|---|---|---|\n")
	for _, value := range values {
		otherwise, there := find(chart.Values, strings.Split(value.Path, "."))
		if !there {
			return "", fmt.Errorf("values.yaml: what is %s?", value.Path)
		}
		data, err := json.Marshal(otherwise)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "| `%s` | `%s` | %s |\n", value.Path, number(string(data)), strings.ReplaceAll(value.Text, "|", "\\|"))
	}
	return out.String(), nil
}

// Every number in values is a float64, and should look as it is written: without an exponent.
func number(text string) string {
	var whole float64
	if err := json.Unmarshal([]byte(text), &whole); err == nil {
		return strconv.FormatFloat(whole, 'f', -1, 64)
	}
	return text
}

// unused finds documented values that do nothing: with all of the given files' values, and with all but this one, the chart comes to the
// same, whichever file it is.
func unused(chart *Chart, args []string) error {
	values, err := documented(chart)
	if err != nil {
		return err
	}
	matters := map[string]bool{}
	for _, file := range args {
		if file == "-f" {
			continue
		}
		with, err := everything(chart, file, nil)
		if err != nil {
			return err
		}
		for _, value := range values {
			without, err := everything(chart, file, strings.Split(value.Path, "."))
			if err != nil || without != with {
				matters[value.Path] = true
			}
		}
	}
	for _, value := range values {
		if !matters[value.Path] {
			err = fmt.Errorf("values that do nothing, or that no file sets, are above")
			fmt.Fprintln(os.Stdout, value.Path)
		}
	}
	return err
}

// everything that a chart comes to with a file's values, but for one of them.
func everything(chart *Chart, file string, without []string) (string, error) {
	given, err := readValues(file)
	if err != nil {
		return "", err
	}
	if without != nil {
		if _, there := find(given, without); there {
			otherwise, _ := find(chart.Values, without)
			if err := setPath(given, without, otherwise); err != nil {
				return "", err
			}
		}
	}
	rendered, err := render(chart, given, Release{Name: "hem", Namespace: "hem-system", Service: "Helm", IsInstall: true}, "v1.33.0",
		"monitoring.coreos.com/v1")
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, object := range rendered.Objects {
		out.WriteString(object.Text)
	}
	return out.String() + rendered.Notes, nil
}
