package main

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
)

// validate checks values against the part of JSON Schema (draft 7) that values.schema.json uses, and refuses a schema that uses more.
func validate(schema, values map[string]interface{}) error {
	if schema == nil {
		return fmt.Errorf("the chart has no values.schema.json")
	}
	var faults []string
	check(schema, values, "", &faults)
	if len(faults) != 0 {
		return fmt.Errorf("values don't meet the specifications of the schema(s) in the following chart(s):\n- %s", strings.Join(faults, "\n- "))
	}
	return nil
}

func check(schema map[string]interface{}, value interface{}, path string, faults *[]string) {
	fault := func(format string, args ...interface{}) {
		name := path
		if name == "" {
			name = "(root)"
		}
		*faults = append(*faults, name+": "+fmt.Sprintf(format, args...))
	}
	object, isObject := value.(map[string]interface{})
	list, isList := value.([]interface{})
	text, isText := value.(string)
	number, isNumber := value.(float64)
	for _, keyword := range sortedKeys(schema) {
		rule := schema[keyword]
		switch keyword {
		case "$schema", "title", "description":
		case "type":
			if !hasType(rule, value) {
				fault("Invalid type. Expected: %v, given: %s", rule, typeOf(value))
			}
		case "enum":
			found := false
			for _, one := range rule.([]interface{}) {
				found = found || reflect.DeepEqual(one, value)
			}
			if !found {
				fault("must be one of %v", rule)
			}
		case "properties":
			for _, name := range sortedKeys(rule.(map[string]interface{})) {
				if inner, there := object[name]; there {
					check(rule.(map[string]interface{})[name].(map[string]interface{}), inner, join(path, name), faults)
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]interface{})
			for _, name := range sortedKeys(object) {
				if _, isKnown := known[name]; isKnown {
					continue
				}
				if inner, isSchema := rule.(map[string]interface{}); isSchema {
					check(inner, object[name], join(path, name), faults)
				} else if rule == false {
					fault("Additional property %s is not allowed", name)
				}
			}
		case "required":
			for _, name := range rule.([]interface{}) {
				if _, there := object[name.(string)]; isObject && !there {
					fault("%s is required", name)
				}
			}
		case "items":
			for i, inner := range list {
				check(rule.(map[string]interface{}), inner, fmt.Sprintf("%s[%d]", path, i), faults)
			}
		case "minItems":
			if isList && float64(len(list)) < rule.(float64) {
				fault("at least %v are needed", rule)
			}
		case "minimum":
			if isNumber && number < rule.(float64) {
				fault("Must be greater than or equal to %v", rule)
			}
		case "maximum":
			if isNumber && number > rule.(float64) {
				fault("Must be less than or equal to %v", rule)
			}
		case "pattern":
			if isText && !regexp.MustCompile(rule.(string)).MatchString(text) {
				fault("Does not match pattern '%s'", rule)
			}
		case "minLength":
			if isText && float64(len([]rune(text))) < rule.(float64) {
				fault("String length must be greater than or equal to %v", rule)
			}
		default:
			fault("values.schema.json: %s is not known here", keyword)
		}
	}
}

func hasType(rule, value interface{}) bool {
	if many, isMany := rule.([]interface{}); isMany {
		for _, one := range many {
			if hasType(one, value) {
				return true
			}
		}
		return false
	}
	is := typeOf(value)
	return is == rule || rule == "number" && is == "integer"
}

func typeOf(value interface{}) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if value == math.Trunc(value) {
			return "integer"
		}
		return "number"
	case []interface{}:
		return "array"
	}
	return "object"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
