package rpc

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
)

// Reflection answers a server that tells the contracts of the services registered
// on this one, and serves none of them. It asks for no token: serve it where
// operators alone come, never on the listener that callers use.
func (s *Server) Reflection() *grpc.Server {
	told := grpc.NewServer(grpc.MaxRecvMsgSize(maxReflection))
	o := reflection.ServerOptions{Services: s.Server}
	reflectionv1.RegisterServerReflectionServer(told, reflection.NewServerV1(o))
	reflectionv1alpha.RegisterServerReflectionServer(told, reflection.NewServer(o)) // what older tools ask
	return told
}

// maxReflection is how large a question may be, in bytes: it holds a name.
const maxReflection = 4 << 10
