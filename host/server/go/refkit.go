// Package refkit resolves the images of a build by a RefKit server, with BuildKit's own types.
package refkit

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy/policysession"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"google.golang.org/grpc"
)

// Server is what `refkit serve` offers to BuildKit's clients.
type Server struct {
	bridge   gateway.LLBBridgeClient
	verifier policysession.PolicyVerifierClient
}

// New returns the server at the other end of a connection.
func New(conn grpc.ClientConnInterface) *Server {
	return &Server{gateway.NewLLBBridgeClient(conn), policysession.NewPolicyVerifierClient(conn)}
}

// ImageMetaResolver resolves the images of llb.Image: llb.Image(ref, llb.WithMetaResolver(server.ImageMetaResolver())).
func (s *Server) ImageMetaResolver() llb.ImageMetaResolver {
	return sourceresolver.NewImageMetaResolver(s)
}

// Policy lets the server decide about the sources of a build: client.SolveOpt{SourcePolicyProvider: server.Policy()}.
func (s *Server) Policy() *policysession.PolicyProvider {
	return policysession.NewPolicyProvider(func(
		ctx context.Context, request *policysession.CheckPolicyRequest,
	) (*policysession.DecisionResponse, *gateway.ResolveSourceMetaRequest, error) {
		checked, err := s.verifier.CheckPolicy(ctx, request)
		if err != nil {
			return nil, nil, err
		}
		return checked.GetDecision(), checked.GetRequest(), nil
	})
}

// ResolveSourceMetadata implements sourceresolver.MetaResolver for images of registries.
func (s *Server) ResolveSourceMetadata(
	ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt,
) (*sourceresolver.MetaResponse, error) {
	request := &gateway.ResolveSourceMetaRequest{Source: op, LogName: opt.LogName, SourcePolicies: opt.SourcePolicies}
	if image := opt.ImageOpt; image != nil {
		request.ResolveMode = image.ResolveMode
		if image.Platform != nil {
			request.Platform = pb.PlatformFromSpec(*image.Platform)
		}
		request.Image = &gateway.ResolveSourceImageRequest{
			NoConfig:            image.NoConfig,
			AttestationChain:    image.AttestationChain || len(image.ResolveAttestations) > 0,
			ResolveAttestations: image.ResolveAttestations,
		}
	}
	response, err := s.bridge.ResolveSourceMeta(ctx, request)
	if err != nil {
		return nil, err
	}
	meta := &sourceresolver.MetaResponse{Op: response.GetSource()}
	if image := response.GetImage(); image != nil {
		meta.Image = &sourceresolver.ResolveImageResponse{
			Digest:           digest.Digest(image.GetDigest()),
			Config:           image.GetConfig(),
			AttestationChain: chain(image.GetAttestationChain()),
		}
	}
	return meta, nil
}

func chain(from *gateway.AttestationChain) *sourceresolver.AttestationChain {
	if from == nil {
		return nil
	}
	to := &sourceresolver.AttestationChain{
		Root:                digest.Digest(from.GetRoot()),
		ImageManifest:       digest.Digest(from.GetImageManifest()),
		AttestationManifest: digest.Digest(from.GetAttestationManifest()),
		SignatureManifests:  []digest.Digest{},
		Blobs:               map[digest.Digest]sourceresolver.Blob{},
	}
	for _, signature := range from.GetSignatureManifests() {
		to.SignatureManifests = append(to.SignatureManifests, digest.Digest(signature))
	}
	for name, blob := range from.GetBlobs() {
		descriptor := blob.GetDescriptor_()
		to.Blobs[digest.Digest(name)] = sourceresolver.Blob{
			Descriptor: ocispecs.Descriptor{
				MediaType:   descriptor.GetMediaType(),
				Digest:      digest.Digest(descriptor.GetDigest()),
				Size:        descriptor.GetSize(),
				Annotations: descriptor.GetAnnotations(),
			},
			Data: blob.GetData(),
		}
	}
	return to
}
