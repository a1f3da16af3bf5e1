// Prints the protobuf descriptors that BuildKit's Go module registers: one line for each field, each value of an enum,
// and each method. RefKit's own .proto files are compared with them (host/buildkit/tests/proto).
package main

import (
	"bufio"
	"fmt"
	"os"

	_ "github.com/moby/buildkit/frontend/gateway/pb"
	_ "github.com/moby/buildkit/sourcepolicy/policysession"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		messages(out, file.Messages())
		enums(out, file.Enums())
		for i := range file.Services().Len() {
			methods(out, file.Services().Get(i).Methods())
		}
		return true
	})
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func messages(out *bufio.Writer, list protoreflect.MessageDescriptors) {
	for i := range list.Len() {
		message := list.Get(i)
		for j := range message.Fields().Len() {
			field(out, message.Fields().Get(j))
		}
		messages(out, message.Messages())
		enums(out, message.Enums())
	}
}

func field(out *bufio.Writer, field protoreflect.FieldDescriptor) {
	repeated, kind, oneof := "", field.Kind().String(), ""
	if field.Cardinality() == protoreflect.Repeated {
		repeated = "repeated "
	}
	if message := field.Message(); message != nil {
		kind = string(message.FullName())
	}
	if enum := field.Enum(); enum != nil {
		kind = string(enum.FullName())
	}
	if of := field.ContainingOneof(); of != nil {
		oneof = " of " + string(of.Name())
	}
	fmt.Fprintf(out, "%s = %d %s%s%s\n", field.FullName(), field.Number(), repeated, kind, oneof)
}

func enums(out *bufio.Writer, list protoreflect.EnumDescriptors) {
	for i := range list.Len() {
		enum := list.Get(i)
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			fmt.Fprintf(out, "%s.%s = %d\n", enum.FullName(), value.Name(), value.Number())
		}
	}
}

func methods(out *bufio.Writer, list protoreflect.MethodDescriptors) {
	for i := range list.Len() {
		method := list.Get(i)
		fmt.Fprintf(out, "%s(%s) %s\n", method.FullName(), method.Input().FullName(), method.Output().FullName())
	}
}
