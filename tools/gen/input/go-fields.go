// Prints what Go's types say about the wire and OpenAPI does not: order, omitempty, pointers, Go type names, embedding.
// Run inside a module that requires k8s.io/kubernetes of the wanted version: go run go-fields.go > go-fields.json
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

var out = map[string][][]string{}

func name(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(host, parts[1:]...), ".") + "." + t.Name()
}

func fields(t reflect.Type, embedded string) [][]string {
	var rows [][]string
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		if f.PkgPath != "" && !f.Anonymous {
			continue
		}
		tag := strings.Split(f.Tag.Get("json"), ",")
		if tag[0] == "-" {
			continue
		}
		ft := f.Type
		if f.Anonymous && tag[0] == "" {
			if ft.Kind() == reflect.Struct {
				rows = append(rows, fields(ft, embedded+f.Name+".")...)
			}
			continue
		}
		jsonName := tag[0]
		if jsonName == "" {
			jsonName = f.Name
		}
		flags := ""
		for _, o := range tag[1:] {
			switch o {
			case "omitempty":
				flags += "o"
			case "omitzero":
				flags += "z"
			}
		}
		if ft.Kind() == reflect.Pointer {
			flags += "p"
			ft = ft.Elem()
		}
		kind := ft.Kind().String()
		row := []string{jsonName, flags, kind, ft.String()}
		if embedded != "" {
			row = append(row, strings.TrimSuffix(embedded, "."))
		}
		rows = append(rows, row)
		walk(ft)
	}
	return rows
}

func walk(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		walk(t.Elem())
	case reflect.Struct:
		if !strings.HasPrefix(t.PkgPath(), "k8s.io/") {
			return
		}
		if t.PkgPath() == "k8s.io/apimachinery/pkg/api/resource" || t.PkgPath() == "k8s.io/apimachinery/pkg/util/intstr" {
			return
		}
		n := name(t)
		if _, seen := out[n]; seen {
			return
		}
		out[n] = nil
		out[n] = fields(t, "")
	}
}

func main() {
	s := runtime.NewScheme()
	scheme.AddToScheme(s)
	apiextensions.AddToScheme(s)
	apiregistration.AddToScheme(s)
	for gvk, t := range s.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal {
			continue
		}
		walk(t)
	}
	walk(reflect.TypeOf(metav1.Table{}))
	walk(reflect.TypeOf(metav1.PartialObjectMetadataList{}))
	enc := json.NewEncoder(os.Stdout)
	enc.Encode(out)
}
