// Builds by a RefKit server, for the tests: `served-build policy|frontend BUILDKITD SERVER IMAGE DIRECTORY` writes the
// image's file /variant into the directory, and the variable VARIANT of its config. With policy, the server decides about
// the sources of the build; with frontend, it resolves the image for the frontend in this file.
//
// `served-build meta BUILDKITD SERVER` reads questions, a line of JSON each, and prints the answers of both as JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	refkit "refkit/server"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		for _, message := range policysession.DenyMessages(err) {
			fmt.Fprintln(os.Stderr, message.GetMessage())
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	buildkit, err := client.New(ctx, arguments[1])
	if err != nil {
		return err
	}
	conn, err := grpc.NewClient(arguments[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	server := refkit.New(conn)
	if arguments[0] == "meta" {
		return meta(ctx, buildkit, server)
	}
	image, directory := arguments[3], arguments[4]
	options := client.SolveOpt{Exports: []client.ExportEntry{{Type: client.ExporterLocal, OutputDir: directory}}}
	if arguments[0] == "policy" {
		options.SourcePolicyProvider = server.Policy()
		return build(ctx, buildkit, options, llb.Image(image))
	}
	resolved := llb.Image(image, llb.WithMetaResolver(server.ImageMetaResolver()), llb.ResolveDigest(true))
	return build(ctx, buildkit, options, resolved)
}

// A frontend: what it returns is the result of the build.
func build(ctx context.Context, buildkit *client.Client, options client.SolveOpt, image llb.State) error {
	frontend := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		variant, _, err := image.GetEnv(ctx, "VARIANT")
		if err != nil {
			return nil, err
		}
		state := llb.Scratch().File(llb.Copy(image, "/variant", "/variant")).
			File(llb.Mkfile("/env", 0o644, []byte(variant)))
		definition, err := state.Marshal(ctx)
		if err != nil {
			return nil, err
		}
		return c.Solve(ctx, gateway.SolveRequest{Definition: definition.ToPB()})
	}
	_, err := buildkit.Build(ctx, options, "", frontend, nil)
	return err
}

type question struct {
	Identifier, Platform string
	Image                sourceresolver.ResolveImageOpt
}

type answer struct {
	Meta  *sourceresolver.MetaResponse
	Error string
}

func ask(ctx context.Context, resolver sourceresolver.MetaResolver, q question) answer {
	platform := platforms.MustParse(q.Platform)
	q.Image.Platform = &platform
	found, err := resolver.ResolveSourceMetadata(
		ctx, &pb.SourceOp{Identifier: q.Identifier}, sourceresolver.Opt{ImageOpt: &q.Image},
	)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Meta: found}
}

func meta(ctx context.Context, buildkit *client.Client, server *refkit.Server) error {
	frontend := func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		questions := bufio.NewScanner(os.Stdin)
		for questions.Scan() {
			var q question
			if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
				return nil, err
			}
			answers, err := json.Marshal([2]answer{ask(ctx, c, q), ask(ctx, server, q)})
			if err != nil {
				return nil, err
			}
			fmt.Println(string(answers))
		}
		definition, err := llb.Scratch().Marshal(ctx)
		if err != nil {
			return nil, err
		}
		return c.Solve(ctx, gateway.SolveRequest{Definition: definition.ToPB()})
	}
	_, err := buildkit.Build(ctx, client.SolveOpt{}, "", frontend, nil)
	return err
}
