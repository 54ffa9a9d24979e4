package money

import "strings"

// tooLarge is the first amount that is refused on input, in nanos: 10^18 units,
// so that what is read always fits a Decimal and its column.
var tooLarge = powerOfTen(18 + 9)

// The currencies of ISO 4217 list one (2026) by the digits of their minor unit.
// Those withdrawn since 2020 stay, for sales of the past. Codes without a minor
// unit (XAU, XDR, XTS, XXX, …) are no currencies in which an amount is paid.
const (
	digits0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	digits2 = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB " +
		"BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE " +
		"CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL " +
		"HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL " +
		"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK " +
		"NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP " +
		"SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD " +
		"USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
	digits3 = "BHD IQD JOD KWD LYD OMR TND"
	digits4 = "CLF UYW"
)

var minorUnits = readCurrencies(map[int]string{0: digits0, 2: digits2, 3: digits3, 4: digits4})

func readCurrencies(byDigits map[int]string) map[string]int {
	units := map[string]int{}
	for digits, codes := range byDigits {
		for _, code := range strings.Fields(codes) {
			units[code] = digits
		}
	}
	return units
}

// MinorUnit answers how many digits after the point an amount of the currency
// has, and whether amounts are paid in it at all.
func MinorUnit(currency string) (digits int, known bool) {
	digits, known = minorUnits[currency]
	return digits, known
}
