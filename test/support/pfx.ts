/**
 * A client's certificate as PKCS #12, which nothing in the tests can make: `CN=carol`, issued by itself, valid until
 * 2126.
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 36500 -subj /CN=carol \\
 *       -addext extendedKeyUsage=clientAuth -addext basicConstraints=critical,CA:TRUE
 *     openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass:sesame -keypbe AES-256-CBC -certpbe AES-256-CBC -macalg sha256
 */
const BASE64 = [
  'MIIEHAIBAzCCA9IGCSqGSIb3DQEHAaCCA8MEggO/MIIDuzCCAnIGCSqGSIb3DQEHBqCCAmMwggJfAgEAMIICWAYJKoZIhvcNAQcB',
  'MFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhRcp2RsVaDQwICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEDLT',
  'aXpr/NUu94UaZLiyyjmAggHwBXrTiB8iXRwqzFSyeSz/Xu0PHWw1gt4nw/rhz29qh19E7DXble/bc1KGDYQO6mgh6+SpDHqi2ouf',
  'dpM18cvYhNRzc6OLZvo9MS7xckq1jvBuzsHkGzwjMp0a7h2+VL5Cfj2/Ow85VLswP1RaGfsGjnHSv72SNBTNqo5BR56N0a+FhJQ3',
  'xsy7dF8f/1838NWMhdAkMVdc0XXDnySDKTJ6J3s6ioSCzLvRmZfoLD+0rztWrEMOslsbprpZ+uL8etAWdZS0YhmCQPxFBIEezkP1',
  'RBCR9+gDo3FEv/qhTjPPBTsAqndNwMAjtKSmm0hPnM8nJ0TpjpH+bLMnW/i6XO8H+3S6u8x9hGln4/Sol7ZWMpfehZR360upQR8M',
  'Ajo+E25/oSz4GES8c9QWO8GrIppEdVJFnkz0w305x9ouv5IZVSf1UCgyBo071O97lj4OLTmR/737TV6eO05y76/JNMM8+ijEI/lZ',
  'UGfxS52P6Gw+oSu/VYWvmebN7BaXfM15w4juFfWzPnaoRhAL2PFJaalsOC5dYHDzhMWBKgqqNLoK2UCO4cko6E/o4fCQN9ViLak7',
  'jKQd1t4W20oLYSjrRZToZnBom8zCloinOSAut7jU9iuxNGqKiUlMiUFG/Eq3mSw8dlaFK5tE9mCdSRcGVcGPQzCCAUEGCSqGSIb3',
  'DQEHAaCCATIEggEuMIIBKjCCASYGCyqGSIb3DQEMCgECoIHvMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjgXO7p',
  'm76CdQICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEC/6m6FiJ6zOS0VGbOcW8MQEgZC/1WkwA03YUcNumBkmRcXtZam8',
  '7BSPS8snTAfF4tZ0P3TWqA75rS52OGSlQoJnNI8He8qrXSywVWoSwTP2bYU3YhSissyYWeYMGsALx16vL9KxVU+lSD6wKyXzumyF',
  '5xC3PqMVC0QoW+JduhVc/lnpZm631cLdgR9BHtetWSHpWMJ6erudZL29lt+NEQZ7PBAxJTAjBgkqhkiG9w0BCRUxFgQUVSS7Y4Uc',
  'W/TrgdKL/YAn8qiPd+owQTAxMA0GCWCGSAFlAwQCAQUABCCUwdmPQOkjXWtYy4hw0KHHUauW+0axODA8ra9wJIIEKwQIasIKR7wr',
  'GfcCAggA',
].join('')

export const pfx = Buffer.from(BASE64, 'base64')
export const passphrase = 'sesame'

/** For a server to trust. */
export const cert = `-----BEGIN CERTIFICATE-----
MIIBjDCCATKgAwIBAgIUCaXANKhNkSTyAYZ6koBHEujL1EgwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFY2Fyb2wwIBcNMjYxMTIzMDIzMTEwWhgPMjEyNjEwMzAwMjMx
MTBaMBAxDjAMBgNVBAMMBWNhcm9sMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
0dV3lAWBdJfxo0YXFEf8P24FhtG/slhloF8BwbF06+cPPEf3pqT515bDHZy7BXof
S0zkdD6KEjVWGyHNIX56N6NoMGYwHQYDVR0OBBYEFKWBdhH0NgPnTUqn9IRsM2zT
ZlzeMB8GA1UdIwQYMBaAFKWBdhH0NgPnTUqn9IRsM2zTZlzeMBMGA1UdJQQMMAoG
CCsGAQUFBwMCMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgYV/V
biVEIf56+eQ6eO7XARTEnE8ViJpvYhF3wQUtvjACIQCg8+08NQb8Ftcsg4LkFKBQ
LOTvtUCJJkxlm6/me5PzVw==
-----END CERTIFICATE-----
`
