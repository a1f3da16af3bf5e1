package main

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/llbbuild"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
)

// use is what a mode works with: the build's options, its session, and the request that the state will go into.
type use struct {
	opts    map[string]string
	session string
	request *client.SolveRequest
	client  client.Client
}

func (u use) image() string { return u.opts["image"] }

var modes = map[string]func(context.Context, use) (llb.State, error){
	"image":           image,
	"platforms":       severalPlatforms,
	"raw":             raw,
	"blob":            blob,
	"oci-layout":      layout,
	"oci-layout-blob": layoutBlob,
	"git-bundle":      gitBundle,
	"build-op":        buildOp,
	"exec-mount":      execMount,
	"convert":         convert,
	"cache":           cache,
	"attestations":    attestations,
}

// image is the plain way: the image is the result.
func image(_ context.Context, u use) (llb.State, error) {
	return llb.Image(u.image()), nil
}

// severalPlatforms uses one reference for several platforms in one definition; the result has a directory for each,
// such as /linux_arm64.
func severalPlatforms(_ context.Context, u use) (llb.State, error) {
	result := llb.Scratch()
	for text := range strings.SplitSeq(u.opts["platform"], ",") {
		platform, err := platforms.Parse(text)
		if err != nil {
			return result, err
		}
		directory := "/" + strings.ReplaceAll(text, "/", "_")
		from := llb.Image(u.image(), llb.Platform(platform))
		result = result.File(llb.Copy(from, "/", directory, &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}))
	}
	return result, nil
}

// raw is a source identifier as it was given, not brought into the usual form.
func raw(_ context.Context, u use) (llb.State, error) {
	return llb.NewState(llb.NewSource(u.image(), nil, llb.Constraints{}).Output()), nil
}

// blob is one blob of a repository; the result is the file /blob.
func blob(_ context.Context, u use) (llb.State, error) {
	return llb.ImageBlob(u.image(), llb.Filename("blob")), nil
}

// layout is an image in a layout of the client's.
func layout(_ context.Context, u use) (llb.State, error) {
	return llb.OCILayout(u.image(), llb.OCIStore(u.session, u.opts["store"])), nil
}

// layoutBlob is one blob in a layout of the client's; the result is the file /blob.
func layoutBlob(_ context.Context, u use) (llb.State, error) {
	return llb.OCILayoutBlob(u.image(), llb.ImageBlobOCIStore(u.session, u.opts["store"]), llb.Filename("blob")), nil
}

// gitBundle is a git source whose commits come from a blob of a repository instead of the remote.
func gitBundle(_ context.Context, u use) (llb.State, error) {
	bundle := llb.GitBundleURL("docker-image+blob://" + u.image())
	return llb.Git("https://refkit.invalid/repository.git", "", llb.GitChecksum(u.opts["commit"]), bundle), nil
}

// buildOp hides the image in a file of the definition, which BuildKit reads as a definition of its own.
func buildOp(ctx context.Context, u use) (llb.State, error) {
	definition, err := llb.Image(u.image()).Marshal(ctx)
	if err != nil {
		return llb.State{}, err
	}
	var file bytes.Buffer
	if err := llb.WriteTo(definition, &file); err != nil {
		return llb.State{}, err
	}
	inner := llb.Scratch().File(llb.Mkfile(pb.LLBDefaultDefinitionFile, 0o644, file.Bytes()))
	return inner.With(llbbuild.Build()), nil
}

// execMount runs a step of the image "from" with the image as a mount; the result has its file /variant.
func execMount(_ context.Context, u use) (llb.State, error) {
	run := llb.Image(u.opts["from"]).Run(llb.Args([]string{"/bin/cp", "/mounted/variant", "/out/variant"}))
	run.AddMount("/mounted", llb.Image(u.image()), llb.Readonly)
	return run.AddMount("/out", llb.Scratch()), nil
}

// convert names another source and has BuildKit turn it into the image, by a source policy of the request.
func convert(_ context.Context, u use) (llb.State, error) {
	from := cmp.Or(u.opts["from"], "https://refkit.invalid/")
	u.request.SourcePolicies = []*spb.Policy{{Version: 1, Rules: []*spb.Rule{{
		Action:   spb.PolicyAction_CONVERT,
		Selector: &spb.Selector{Identifier: from},
		Updates:  &spb.Update{Identifier: "docker-image://" + u.image()},
	}}}}
	return llb.NewState(llb.NewSource(from, nil, llb.Constraints{}).Output()), nil
}

// attestations asks what attests the image; the result is the file /chain with the digests of root, image and
// attestation, or with nothing.
func attestations(ctx context.Context, u use) (llb.State, error) {
	source := &pb.SourceOp{Identifier: "docker-image://" + u.image()}
	answer, err := u.client.ResolveSourceMetadata(ctx, source, sourceresolver.Opt{
		ImageOpt: &sourceresolver.ResolveImageOpt{AttestationChain: true},
	})
	if err != nil {
		return llb.State{}, err
	}
	text := ""
	if chain := answer.Image.AttestationChain; chain != nil {
		text = strings.Join([]string{string(chain.Root), string(chain.ImageManifest), string(chain.AttestationManifest)}, " ")
	}
	return llb.Scratch().File(llb.Mkfile("/chain", 0o644, []byte(text))), nil
}

// cache uses the image as a cache to import.
func cache(_ context.Context, u use) (llb.State, error) {
	attributes := map[string]string{"ref": u.image()}
	u.request.CacheImports = []client.CacheOptionsEntry{{Type: "registry", Attrs: attributes}}
	return llb.Scratch().File(llb.Mkfile("/empty", 0o644, nil)), nil
}
