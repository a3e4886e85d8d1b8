package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// In this order helm installs, and then kinds of others by their names.
var order = []string{
	"PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "PodSecurityPolicy", "PodDisruptionBudget", "ServiceAccount",
	"Secret", "SecretList", "ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "ClusterRole",
	"ClusterRoleList", "ClusterRoleBinding", "ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service", "DaemonSet",
	"Pod", "ReplicationController", "ReplicaSet", "Deployment", "HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass",
	"Ingress", "APIService", "PodMonitor", "ServiceMonitor", "PrometheusRule",
}

var (
	separator = regexp.MustCompile(`(?m)^---[^\n]*$`)
	blank     = regexp.MustCompile(`(?m)^[ \t]+$`)
)

// split takes a template's output apart into its objects.
func split(source, output string) ([]Object, error) {
	var objects []Object
	for _, document := range separator.Split(output, -1) {
		document = strings.Trim(document, "\n")
		var content map[string]interface{}
		if err := yaml.UnmarshalStrict([]byte(document), &content); err != nil {
			return nil, fmt.Errorf("%s does not come to YAML: %w\n%s", source, err, document)
		}
		if len(content) == 0 {
			continue
		}
		if strings.Contains(document, "\t") || blank.MatchString(document) || strings.Contains(document, "\n\n") {
			return nil, fmt.Errorf("%s: there are tabs or blank lines in an object:\n%s", source, document)
		}
		object := Object{Source: source, Text: document}
		metadata, _ := content["metadata"].(map[string]interface{})
		object.Kind, _ = content["kind"].(string)
		object.Name, _ = metadata["name"].(string)
		object.Namespace, _ = metadata["namespace"].(string)
		if version, _ := content["apiVersion"].(string); version == "" || object.Kind == "" || object.Name == "" {
			return nil, fmt.Errorf("%s: an object without apiVersion, kind or name:\n%s", source, document)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// arrange sorts objects as helm installs them; one of a name only.
func arrange(objects []Object) error {
	place := map[string]int{}
	for i, kind := range order {
		place[kind] = i
	}
	seen := map[string]bool{}
	for _, object := range objects {
		if _, known := place[object.Kind]; !known {
			return fmt.Errorf("%s: where a %s belongs in the order of installation is not known", object.Source, object.Kind)
		}
		key := object.Kind + " " + object.Namespace + "/" + object.Name
		if seen[key] {
			return fmt.Errorf("%s: %s is there twice", object.Source, key)
		}
		seen[key] = true
	}
	sort.SliceStable(objects, func(i, k int) bool { return place[objects[i].Kind] < place[objects[k].Kind] })
	return nil
}
