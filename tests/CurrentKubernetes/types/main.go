// Reads objects (YAML or JSON, several documents) and decodes each into the Go type of the Kubernetes that this was built from, as strictly
// as an API server that is asked for fieldValidation=Strict: an unknown field, a field twice or a value of another type is a fault, and so
// is an API version that is removed. Resource kinds that are not Kubernetes' own are passed over where their group is among the arguments.
//
//	kubernetes-types [GROUP]... < OBJECTS
//
// Faults go to stdout, one a line; the exit status is 1 where there are any. The last line of stderr counts the objects.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	sigsyaml "sigs.k8s.io/yaml"
)

// Types that go away say since when.
type removed interface{ APILifecycleRemoved() (major, minor int) }

func main() {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	foreign := map[string]bool{}
	for _, group := range os.Args[1:] {
		foreign[group] = true
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		json.SerializerOptions{Yaml: true, Strict: true})
	documents := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	read, passed, faults := 0, 0, 0
	for {
		document, err := documents.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			fail(err)
		}
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		if err := sigsyaml.Unmarshal(document, &head); err != nil {
			fail(err)
		}
		if head.Kind == "" {
			continue
		}
		kind := schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
		if foreign[kind.Group] {
			passed++
			continue
		}
		read++
		object, _, err := strict.Decode(document, nil, nil)
		if runtime.IsStrictDecodingError(err) || err != nil {
			faults++
			fmt.Printf("%s %s %s: %s\n", head.APIVersion, head.Kind, head.Metadata.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		if old, is := object.(removed); is {
			major, minor := old.APILifecycleRemoved()
			if major < atMajor || major == atMajor && minor <= atMinor {
				faults++
				fmt.Printf("%s %s %s: removed in %d.%d\n", head.APIVersion, head.Kind, head.Metadata.Name, major, minor)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%d objects, %d passed over, %d faults\n", read, passed, faults)
	if faults > 0 {
		os.Exit(1)
	}
}

// The Kubernetes that is asked for; types of client-go outlive what the server serves.
const atMajor = 1

var atMinor = func() int { n, _ := strconv.Atoi(minor); return n }()

// Set by the build.
var minor = "0"

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
