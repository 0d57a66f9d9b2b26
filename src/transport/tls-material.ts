import { OptionsError } from '../errors.ts'
import type { TlsOptions } from '../options.ts'

type Check = NonNullable<TlsOptions['checkServerIdentity']>

/** TLS options in the types that Node has: where it takes any bytes, those want a Buffer. */
export interface TlsMaterial {
  ca?: (string | Buffer)[]
  cert?: string | Buffer
  key?: string | Buffer
  pfx?: string | Buffer
  passphrase?: string
  servername?: string
  rejectUnauthorized?: boolean
  checkServerIdentity?: Check
}

/** Fails with an OptionsError for values of another type. All but false leaves the verification on. */
export function tlsMaterial({ ca, cert, key, pfx, checkServerIdentity, ...others }: TlsOptions): TlsMaterial {
  checkType('passphrase', others.passphrase, 'string')
  checkType('servername', others.servername, 'string')
  checkType('checkServerIdentity', checkServerIdentity, 'function')
  return {
    ...others,
    ...(ca !== undefined && { ca: [ca].flat().map((one) => material('ca', one)) }),
    ...(cert !== undefined && { cert: material('cert', cert) }),
    ...(key !== undefined && { key: material('key', key) }),
    ...(pfx !== undefined && { pfx: material('pfx', pfx) }),
    ...(checkServerIdentity !== undefined && { checkServerIdentity: caught(checkServerIdentity) }),
  }
}

function checkType(name: keyof TlsOptions, value: unknown, type: 'string' | 'function'): void {
  if (value === undefined || typeof value === type) return
  throw new OptionsError(`tls.${name}`, `tls.${name} must be a ${type}.`)
}

function material(name: keyof TlsOptions, value: unknown): string | Buffer {
  if (typeof value === 'string') return value
  // It may be of another realm.
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  throw new OptionsError(`tls.${name}`, `tls.${name} must be a string or a Uint8Array.`)
}

/** A check that throws would end the process: Node calls it from an event. */
function caught(check: Check): Check {
  return (hostname, certificate) => {
    try {
      const verdict: unknown = check(hostname, certificate)
      if (verdict === undefined || verdict instanceof Error) return verdict
      // Whoever is asynchronous is not waited for, and must not end the process later.
      if (verdict instanceof Promise) verdict.catch(() => {})
      return new TypeError('checkServerIdentity has to return an Error or undefined')
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}
