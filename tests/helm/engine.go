package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	text "text/template"

	"github.com/Masterminds/semver"
	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

// Release is what templates see at .Release.
type Release struct {
	Name, Namespace, Service string
	Revision                 int
	IsInstall, IsUpgrade     bool
}

// Capabilities is what templates see at .Capabilities: the server that is installed on.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
}

// KubeVersion of the server.
type KubeVersion struct{ Version, Major, Minor string }

func (v KubeVersion) String() string { return v.Version }

// GitVersion is an older name of Version.
func (v KubeVersion) GitVersion() string { return v.Version }

// VersionSet holds group/version. Without a server helm knows no group/version/Kind, so templates must not ask for those.
type VersionSet []string

func (s VersionSet) Has(version string) bool {
	for _, known := range s {
		if known == version {
			return true
		}
	}
	return false
}

// Rendered is what a chart comes to.
type Rendered struct {
	Objects []Object
	Notes   string
}

// Object is one manifest.
type Object struct {
	Source, Text          string
	Kind, Namespace, Name string
}

const deepest = 1000 // includes within includes, as in helm

func render(chart *Chart, given map[string]interface{}, release Release, kubeVersion string, apiVersions ...string) (*Rendered, error) {
	values := merge(chart.Values, given)
	if err := validate(chart.Schema, values); err != nil {
		return nil, err
	}
	capabilities, err := capabilitiesOf(kubeVersion, apiVersions)
	if err != nil {
		return nil, err
	}
	if err := checkKubeVersion(chart.Metadata, kubeVersion); err != nil {
		return nil, err
	}
	set := text.New("gotpl").Option("missingkey=zero")
	depth := 0
	set.Funcs(functions(set, &depth))
	names := make([]string, 0, len(chart.Templates))
	for name := range chart.Templates {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if _, err := set.New(chart.Metadata.Name + "/" + name).Parse(chart.Templates[name]); err != nil {
			return nil, err
		}
	}
	rendered := &Rendered{}
	for _, name := range names {
		if strings.HasPrefix(name[strings.LastIndex(name, "/")+1:], "_") {
			continue
		}
		full := chart.Metadata.Name + "/" + name
		var out strings.Builder
		err := set.ExecuteTemplate(&out, full, map[string]interface{}{
			"Values": values, "Release": release, "Chart": chart.Metadata, "Capabilities": capabilities, "Files": chart.Files,
			"Template": map[string]interface{}{"Name": full, "BasePath": chart.Metadata.Name + "/templates"},
		})
		if err != nil {
			return nil, err
		}
		result := strings.ReplaceAll(out.String(), "<no value>", "")
		if strings.HasSuffix(name, "NOTES.txt") {
			rendered.Notes = result
			continue
		}
		objects, err := split(full, result)
		if err != nil {
			return nil, err
		}
		rendered.Objects = append(rendered.Objects, objects...)
	}
	return rendered, arrange(rendered.Objects)
}

func functions(set *text.Template, depth *int) text.FuncMap {
	f := sprig.TxtFuncMap()
	delete(f, "env")
	delete(f, "expandenv")
	f["toYaml"] = toYAML
	f["toJson"] = func(value interface{}) string {
		data, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(data)
	}
	f["fromYaml"] = func(from string) map[string]interface{} { return parsed(yaml.Unmarshal, from) }
	f["fromJson"] = func(from string) map[string]interface{} { return parsed(json.Unmarshal, from) }
	f["fromYamlArray"] = func(from string) []interface{} { return parsedArray(yaml.Unmarshal, from) }
	f["fromJsonArray"] = func(from string) []interface{} { return parsedArray(json.Unmarshal, from) }
	f["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return value, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	f["fail"] = func(message string) (string, error) { return "", fmt.Errorf("%s", message) }
	f["lookup"] = func(string, string, string, string) map[string]interface{} { return map[string]interface{}{} }
	f["include"] = func(name string, data interface{}) (string, error) {
		if *depth++; *depth > deepest {
			return "", fmt.Errorf("%s includes itself", name)
		}
		defer func() { *depth-- }()
		var out strings.Builder
		err := set.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	f["tpl"] = func(from string, data interface{}) (string, error) {
		copied, err := set.Clone()
		if err != nil {
			return "", err
		}
		copied.Funcs(functions(copied, depth))
		parsed, err := copied.New("tpl").Parse(from)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = parsed.Execute(&out, data)
		return strings.ReplaceAll(out.String(), "<no value>", ""), err
	}
	return f
}

func toYAML(value interface{}) string {
	data, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(data), "\n")
}

// In helm, what cannot be read becomes an object with the fault at "Error".
func parsed(read interface{}, from string) map[string]interface{} {
	value := map[string]interface{}{}
	if err := call(read, from, &value); err != nil {
		value["Error"] = err.Error()
	}
	return value
}

func parsedArray(read interface{}, from string) []interface{} {
	value := []interface{}{}
	if err := call(read, from, &value); err != nil {
		value = []interface{}{err.Error()}
	}
	return value
}

func call(read interface{}, from string, into interface{}) error {
	switch read := read.(type) {
	case func([]byte, interface{}) error:
		return read([]byte(from), into)
	case func([]byte, interface{}, ...yaml.JSONOpt) error:
		return read([]byte(from), into)
	}
	panic("no reader")
}

func capabilitiesOf(kubeVersion string, more []string) (Capabilities, error) {
	version, err := semver.NewVersion(kubeVersion)
	if err != nil {
		return Capabilities{}, fmt.Errorf("--kube-version %s: %w", kubeVersion, err)
	}
	known := VersionSet{
		"v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1", "networking.k8s.io/v1", "coordination.k8s.io/v1",
	}
	if version.Minor() < 25 {
		known = append(known, "policy/v1beta1")
	}
	if version.Minor() >= 21 {
		known = append(known, "policy/v1")
	}
	return Capabilities{
		KubeVersion: KubeVersion{kubeVersion, fmt.Sprint(version.Major()), fmt.Sprint(version.Minor())},
		APIVersions: append(known, more...),
	}, nil
}

func checkKubeVersion(chart Metadata, kubeVersion string) error {
	if chart.KubeVersion == "" {
		return nil
	}
	allowed, err := semver.NewConstraint(chart.KubeVersion)
	if err != nil {
		return fmt.Errorf("Chart.yaml: kubeVersion: %w", err)
	}
	version, err := semver.NewVersion(kubeVersion)
	if err != nil {
		return err
	}
	if !allowed.Check(version) {
		return fmt.Errorf("chart requires kubeVersion: %s which is incompatible with Kubernetes %s", chart.KubeVersion, kubeVersion)
	}
	return nil
}
