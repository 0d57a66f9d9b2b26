/** An authority and the certificates it issues, made anew for every test run. */
import 'reflect-metadata'
import { KeyObject, type webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

export interface IssueOptions {
  /** DNS names and addresses of the subject. Default: localhost and its addresses. */
  readonly names?: readonly string[]
  /** For a client instead of a server. */
  readonly client?: boolean
  /** Valid until yesterday. */
  readonly expired?: boolean
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string
  issue(options?: IssueOptions): Promise<Certificate>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const AUTHORITY_NAME = 'CN=hawser test authority'
const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1']
const DAY = 24 * 60 * 60 * 1000

export async function createAuthority(): Promise<Authority> {
  const keys = await generateKeys()
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: AUTHORITY_NAME,
    keys,
    signingAlgorithm: ALGORITHM,
    ...validity(false),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return { ca: authority.toString('pem'), issue: (options) => issue(keys.privateKey, options) }
}

async function issue(signingKey: webcrypto.CryptoKey, options: IssueOptions = {}): Promise<Certificate> {
  const { names = LOCAL_NAMES, client = false, expired = false } = options
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${names[0]}`,
    issuer: AUTHORITY_NAME,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    ...validity(expired),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([client ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
    ],
  })
  return { cert: certificate.toString('pem'), key: toPem(keys.privateKey) }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function toPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}

function validity(expired: boolean): { notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return { notBefore: new Date(now - 2 * DAY), notAfter: new Date(expired ? now - DAY : now + DAY) }
}
