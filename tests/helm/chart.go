package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// Chart is a chart's folder, read.
type Chart struct {
	Metadata  Metadata
	Values    map[string]interface{}
	ValuesRaw string
	Schema    map[string]interface{}
	Templates map[string]string // by their path under the chart's folder
	Files     Files
	Head      string // of README.md
}

// Metadata is Chart.yaml, as templates see it at .Chart.
type Metadata struct {
	APIVersion  string            `json:"apiVersion"`
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	AppVersion  string            `json:"appVersion"`
	KubeVersion string            `json:"kubeVersion"`
	Description string            `json:"description"`
	Type        string            `json:"type"`
	Icon        string            `json:"icon"`
	Keywords    []string          `json:"keywords"`
	Maintainers []Maintainer      `json:"maintainers"`
	Annotations map[string]string `json:"annotations"`
}

// Maintainer is one of a chart's.
type Maintainer struct {
	Name string `json:"name"`
}

func loadChart(folder string) (*Chart, error) {
	chart := &Chart{Templates: map[string]string{}, Files: Files{}}
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		switch {
		case name == "Chart.yaml":
			if err := yaml.UnmarshalStrict(content, &chart.Metadata); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		case name == "values.yaml":
			chart.ValuesRaw = string(content)
			if chart.Values, err = parseValues(path, content); err != nil {
				return err
			}
		case name == "values.schema.json":
			if chart.Schema, err = parseValues(path, content); err != nil {
				return err
			}
		case name == ".helmignore":
		case name == "README.head.md": // helm never sees it: .helmignore says so
			chart.Head = string(content)
		case strings.HasPrefix(name, "templates/"):
			chart.Templates[name] = string(content)
		case strings.HasPrefix(name, "charts/"), strings.HasPrefix(name, "crds/"):
			return fmt.Errorf("%s: subcharts and a folder crds/ are not known here", path)
		default:
			chart.Files[name] = content
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if chart.Metadata.APIVersion != "v2" || chart.Metadata.Name == "" || chart.Metadata.Version == "" {
		return nil, fmt.Errorf("%s/Chart.yaml: apiVersion v2, name and version are needed", folder)
	}
	return chart, nil
}

func readValues(path string) (map[string]interface{}, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseValues(path, content)
}

// As helm reads values, every number a float64; but helm 3 has the numbers of a chart's own values.yaml as text, where 0 is as true as any other.
func parseValues(path string, content []byte) (map[string]interface{}, error) {
	values := map[string]interface{}{}
	if err := yaml.Unmarshal(content, &values); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

// merge lays values over others: objects field by field, and null takes a field away.
func merge(under, over map[string]interface{}) map[string]interface{} {
	merged := map[string]interface{}{}
	for key, value := range under {
		merged[key] = value
	}
	for key, value := range over {
		if value == nil {
			delete(merged, key)
			continue
		}
		below, isBelow := merged[key].(map[string]interface{})
		above, isAbove := value.(map[string]interface{})
		if isBelow && isAbove {
			merged[key] = merge(below, above)
		} else {
			merged[key] = value
		}
	}
	return merged
}

// set puts PATH=VALUE into values. As in helm, VALUE is true, false, null, a whole number or else a text.
func set(values map[string]interface{}, assignment string) error {
	path, text, found := strings.Cut(assignment, "=")
	if !found || strings.ContainsAny(assignment, `,{}[]\`) {
		return fmt.Errorf("--set %s: PATH=VALUE is expected, one of them and no list: --set-json takes those", assignment)
	}
	var value interface{} = text
	if word.MatchString(text) {
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return fmt.Errorf("--set %s: %w", assignment, err)
		}
	}
	return setPath(values, strings.Split(path, "."), value)
}

var word = regexp.MustCompile(`^(true|false|null|0|-?[1-9][0-9]*)$`)

// setJSON puts PATH=VALUE, VALUE in JSON, into values.
func setJSON(values map[string]interface{}, assignment string) error {
	path, text, _ := strings.Cut(assignment, "=")
	var value interface{}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return fmt.Errorf("--set-json %s: PATH=JSON is expected: %w", assignment, err)
	}
	return setPath(values, strings.Split(path, "."), value)
}

func setPath(values map[string]interface{}, path []string, value interface{}) error {
	for ; len(path) > 1; path = path[1:] {
		next, ok := values[path[0]].(map[string]interface{})
		if !ok {
			next = map[string]interface{}{}
			values[path[0]] = next
		}
		values = next
	}
	values[path[0]] = value
	return nil
}

func find(values map[string]interface{}, path []string) (interface{}, bool) {
	value, ok := values[path[0]]
	if !ok || len(path) == 1 {
		return value, ok
	}
	inner, ok := value.(map[string]interface{})
	if !ok {
		return nil, false
	}
	return find(inner, path[1:])
}

// Files are the chart's other files, as templates see them at .Files.
type Files map[string][]byte

func (f Files) GetBytes(name string) []byte { return f[name] }

func (f Files) Get(name string) string { return string(f[name]) }

func (f Files) Lines(name string) []string {
	return strings.Split(strings.TrimSuffix(f.Get(name), "\n"), "\n")
}

func (f Files) Glob(pattern string) Files {
	matched := Files{}
	for name, content := range f {
		if ok, _ := filepath.Match(pattern, name); ok {
			matched[name] = content
		}
	}
	return matched
}

func (f Files) AsConfig() string {
	data := map[string]string{}
	for name, content := range f {
		data[filepath.Base(name)] = string(content)
	}
	return toYAML(data)
}

func (f Files) AsSecrets() string {
	data := map[string][]byte{}
	for name, content := range f {
		data[filepath.Base(name)] = content
	}
	return toYAML(data)
}

func sortedKeys(values map[string]interface{}) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
