package egress

import "net/netip"

// inner are the IPv4 networks that no receiver on the internet is in: our own, those of
// documentation and measurement, and what is reserved (RFC 6890 and its registries).
var inner = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)

// Of IPv6 only global unicast is the internet, less what stands for an IPv4 address or
// for nothing: Teredo and other assignments of protocols, documentation, 6to4. NAT64
// (64:ff9b::/96), unique local, link local and multicast lie outside of it.
var (
	unicast = netip.MustParsePrefix("2000::/3")
	special = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

// own are the networks of a machine or a company, which Guard.AllowPrivate opens: not
// those where clouds keep their metadata.
var own = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")

// metadata lies in fc00::/7 (AWS over IPv6).
var metadata = netip.MustParseAddr("fd00:ec2::254")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Allows says whether the guard lets a connection to the address through. An IPv4
// address within IPv6 counts as what it is.
func (g Guard) Allows(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if g.AllowPrivate && within(own, a) && a != metadata {
		return true
	}
	if a.Is4() {
		return !within(inner, a)
	}
	return unicast.Contains(a) && !within(special, a)
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
