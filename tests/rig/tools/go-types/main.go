// Writes what the JSON schemas of Kubernetes do not say and its Go types do: for each field of each built-in type, its number in
// Protobuf, whether it is a pointer and whether it is left out when empty. The simulator embeds the output.
//
//	go run . | gzip -9n > sim/data/go-types.json.gz
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// field is one field of a type, as a row: JSON name, Protobuf number, type, flags (p(ointer), o(mitempty), z (omitzero), i(nline)), and
// the type as Go's decoder names it in errors.
type field struct {
	json  string
	proto int
	kind  string
	flags string
	goes  string
}

func (f field) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{f.json, f.proto, f.kind, f.flags, f.goes})
}

// special are the types that have a form of their own in JSON.
var special = map[reflect.Type]string{
	reflect.TypeOf(metav1.Time{}):          "time",
	reflect.TypeOf(metav1.MicroTime{}):     "microtime",
	reflect.TypeOf(metav1.Duration{}):      "duration",
	reflect.TypeOf(resource.Quantity{}):    "quantity",
	reflect.TypeOf(intstr.IntOrString{}):   "intorstring",
	reflect.TypeOf(runtime.RawExtension{}): "raw",
	reflect.TypeOf(metav1.FieldsV1{}):      "fieldsv1",
	reflect.TypeOf(apiextensions.JSON{}):   "json",
}

var types = map[string][]field{}

func name(t reflect.Type) string {
	path := strings.TrimPrefix(t.PkgPath(), "k8s.io/")
	for _, prefix := range []string{"api/", "apimachinery/pkg/apis/", "apiextensions-apiserver/pkg/apis/", "kube-aggregator/pkg/apis/", "apimachinery/pkg/"} {
		path = strings.TrimPrefix(path, prefix)
	}
	return path + "." + t.Name()
}

func kind(t reflect.Type) string {
	if word, ok := special[t]; ok {
		return word
	}
	switch t.Kind() {
	case reflect.Pointer:
		return kind(t.Elem())
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + kind(t.Elem())
	case reflect.Map:
		return "map:" + kind(t.Elem())
	case reflect.Struct:
		visit(t)
		return name(t)
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64, reflect.Uint8:
		return t.Kind().String()
	case reflect.Float64, reflect.Float32:
		return "float64"
	}
	panic(fmt.Sprintf("%s has no kind", t))
}

func visit(t reflect.Type) {
	key := name(t)
	if _, known := types[key]; known {
		return
	}
	types[key] = nil
	fields := []field{}
	for index := range t.NumField() {
		from := t.Field(index)
		tag, options, _ := strings.Cut(from.Tag.Get("json"), ",")
		if tag == "-" || from.Name == "TypeMeta" || !from.IsExported() {
			continue
		}
		number := 0
		for _, part := range strings.Split(from.Tag.Get("protobuf"), ",") {
			if parsed, err := strconv.Atoi(part); err == nil {
				number = parsed
			}
		}
		row := field{json: tag, proto: number, kind: kind(from.Type), goes: strings.TrimPrefix(from.Type.String(), "*")}
		if from.Type.Kind() == reflect.Pointer {
			row.flags += "p"
		}
		if strings.Contains(options, "omitempty") {
			row.flags += "o"
		}
		if strings.Contains(options, "omitzero") {
			row.flags += "z"
		}
		if tag == "" {
			row.flags += "i"
		}
		fields = append(fields, row)
	}
	types[key] = fields
}

func main() {
	all := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(all); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	kinds := map[string]string{}
	for gvk, t := range all.AllKnownTypes() {
		unstable := strings.Contains(gvk.Version, "alpha") || strings.Contains(gvk.Version, "beta")
		if unstable || gvk.Version == "__internal" || (strings.HasSuffix(gvk.Kind, "List") && gvk.Kind != "List") {
			continue
		}
		kinds[gvk.GroupVersion().String()+"/"+gvk.Kind] = kind(t)
	}
	keys := make([]string, 0, len(types))
	for key := range types {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]any{"kinds": kinds, "types": types}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
