package testkit

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// callerConn makes every call as one caller.
type callerConn struct {
	suite  *Suite
	caller auth.Caller
	area   func(method string) string
}

// Invoke implements grpc.ClientConnInterface.
func (c *callerConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	conn, err := c.conn(method)
	if err != nil {
		return err
	}
	return conn.Invoke(auth.With(ctx, c.caller), method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (c *callerConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	conn, err := c.conn(method)
	if err != nil {
		return nil, err
	}
	return conn.NewStream(auth.With(ctx, c.caller), desc, method, opts...)
}

func (c *callerConn) conn(method string) (*grpc.ClientConn, error) {
	area := c.area(method)
	conn, ok := c.suite.conns[area]
	if !ok {
		return nil, fmt.Errorf("no service of the area %q was started for %s", area, method)
	}
	return conn, nil
}

// areaOf answers the area of a method such as
// "/lingkar.sales.v1.LeadService/GetLead". What belongs to no area is the
// gateway's.
func areaOf(method string) string {
	if name, ok := strings.CutPrefix(method, "/lingkar."); ok {
		area, _, _ := strings.Cut(name, ".")
		return area
	}
	return "platform"
}
