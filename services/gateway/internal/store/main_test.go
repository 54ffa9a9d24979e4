package store_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
