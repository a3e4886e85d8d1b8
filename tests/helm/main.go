// A stand-in for helm, for the tests and for `make manifests`: renders a chart on Go's own templates with the functions that helm adds, checks
// values against values.schema.json, and writes the chart's README. It knows what helm 3 and 4 both have, as far as this repository's
// chart uses it, and refuses the rest: no subcharts, no hooks, no releases. That helm itself does the same, Operator.Tests/Chart/HelmTests shows.
//
//	render template CHART [-f VALUES.yaml]... [--set PATH=VALUE]... [--set-json PATH=JSON]... [--namespace NS] [--name NAME] [--kube-version V]
//	    [--api-versions GROUP/V]... [--notes | --short]
//	render readme CHART
//	render unused CHART -f VALUES.yaml...
package main

import (
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: render template|readme|unused CHART [OPTION]...")
	}
	chart, err := loadChart(args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "template":
		return template(chart, args[2:])
	case "readme":
		text, err := readme(chart)
		fmt.Print(text)
		return err
	case "unused":
		return unused(chart, args[2:])
	}
	return fmt.Errorf("there is no command %s", args[0])
}

func template(chart *Chart, args []string) error {
	release := Release{Name: "hem", Namespace: "default", Service: "Helm", Revision: 1, IsInstall: true}
	kubeVersion, notes, short := "v1.33.0", false, false
	given, more := map[string]interface{}{}, []string{}
	for i := 0; i < len(args); i++ {
		if args[i] == "--notes" || args[i] == "--short" {
			notes, short = notes || args[i] == "--notes", short || args[i] == "--short"
			continue
		}
		if i+1 == len(args) {
			return fmt.Errorf("%s needs a value", args[i])
		}
		value := args[i+1]
		var err error
		switch args[i] {
		case "-f":
			var values map[string]interface{}
			if values, err = readValues(value); err == nil {
				given = merge(given, values)
			}
		case "--set":
			err = set(given, value)
		case "--set-json":
			err = setJSON(given, value)
		case "--namespace":
			release.Namespace = value
		case "--name":
			release.Name = value
		case "--kube-version":
			kubeVersion = "v" + strings.TrimPrefix(value, "v")
		case "--api-versions":
			more = append(more, value)
		default:
			err = fmt.Errorf("there is no option %s", args[i])
		}
		if err != nil {
			return err
		}
		i++
	}
	rendered, err := render(chart, given, release, kubeVersion, more...)
	if err != nil {
		return err
	}
	if notes {
		fmt.Print(rendered.Notes)
		return nil
	}
	for _, object := range rendered.Objects {
		if short {
			object.Text = shortened(object.Text)
		}
		fmt.Printf("---\n# Source: %s\n%s\n", object.Source, object.Text)
	}
	return nil
}

// shortened cuts what nobody would read in a golden file: the schemas of definitions.
func shortened(text string) string {
	const longest, shown = 300, 20
	lines := strings.Split(text, "\n")
	if len(lines) <= longest {
		return text
	}
	return strings.Join(append(lines[:shown], "# and so on"), "\n")
}
