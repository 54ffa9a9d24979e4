package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/nemesis"
)

// copies is how many messages are sent once more.
const copies = 500

// onStream runs fn on the stream of events. A broker that another fault has stopped
// is no error, nor is a stream that is not there.
func onStream(ctx context.Context, c *cluster.Cluster, fn func(ctx context.Context, js jetstream.JetStream, s jetstream.Stream) error) error {
	if c.Broker.PID() == 0 {
		return nil
	}
	conn, err := c.Broker.Connect()
	if err != nil {
		return nil
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	s, err := js.Stream(ctx, eventlog.StreamName)
	if err == nil {
		err = fn(ctx, js, s)
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrMsgNotFound) || ctx.Err() != nil || errors.Is(err, nats.ErrNoResponders) {
		return nil
	}
	return err
}

// duplicates has the relays publish again what they have published, and sends
// copies of old messages besides.
func duplicates() nemesis.Fault {
	return &simple{
		id: "F26", title: "events are published once more",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			err := inEachDatabase(ctx, c, "UPDATE partition_head SET published = greatest(0, published - 200)")
			return errors.Join(err, resend(ctx, c, nil))
		},
	}
}

// shuffled sends copies of old messages in another order.
func shuffled(r *rand.Rand) nemesis.Fault {
	return &simple{
		id: "F27", title: "events come again in another order",
		inject: func(ctx context.Context, c *cluster.Cluster) error { return resend(ctx, c, r) },
	}
}

// resend sends the newest messages of the stream once more, shuffled where there
// is a source of chance.
func resend(ctx context.Context, c *cluster.Cluster, r *rand.Rand) error {
	return onStream(ctx, c, func(ctx context.Context, js jetstream.JetStream, s jetstream.Stream) error {
		info, err := s.Info(ctx)
		if err != nil {
			return err
		}
		var all []*nats.Msg
		first := info.State.FirstSeq
		if info.State.LastSeq > copies {
			first = max(first, info.State.LastSeq-copies)
		}
		for seq := first; seq <= info.State.LastSeq; seq++ {
			m, err := s.GetMsg(ctx, seq)
			if err != nil {
				return err
			}
			all = append(all, &nats.Msg{Subject: m.Subject, Data: m.Data, Header: own(m.Header)})
		}
		if r != nil {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
		for _, m := range all {
			if err := js.Conn().PublishMsg(m); err != nil {
				return err
			}
		}
		return js.Conn().FlushWithContext(ctx)
	})
}

// own answers the headers of the event, without those of the broker.
func own(h nats.Header) nats.Header {
	kept := nats.Header{}
	for key, values := range h {
		if len(key) < 5 || key[:5] != "Nats-" {
			kept[key] = values
		}
	}
	return kept
}

// garbage puts what nobody can read onto the stream.
func garbage() nemesis.Fault {
	return &simple{
		id: "F28", title: "a message that cannot be decoded is on the stream",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			return onStream(ctx, c, func(ctx context.Context, js jetstream.JetStream, _ jetstream.Stream) error {
				for _, area := range []string{"contact", "sales", "ticket", "campaign"} {
					if err := js.Conn().Publish("evt."+area+".3.Garbage", []byte{0xff, 0xff, 0x01, 'x'}); err != nil {
						return err
					}
				}
				return js.Conn().FlushWithContext(ctx)
			})
		},
	}
}

// resetStream purges the stream, deletes its consumers, or deletes it.
func resetStream(r *rand.Rand) nemesis.Fault {
	return &simple{
		id: "F30", title: "the stream is purged, loses its consumers, or is deleted",
		inject: func(ctx context.Context, c *cluster.Cluster) error {
			way := r.IntN(3)
			return onStream(ctx, c, func(ctx context.Context, js jetstream.JetStream, s jetstream.Stream) error {
				switch way {
				case 0:
					return s.Purge(ctx)
				case 1:
					return deleteConsumers(ctx, s)
				}
				return js.DeleteStream(ctx, eventlog.StreamName)
			})
		},
	}
}

func deleteConsumers(ctx context.Context, s jetstream.Stream) error {
	names := s.ConsumerNames(ctx)
	for name := range names.Name() {
		if err := s.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return names.Err()
}
