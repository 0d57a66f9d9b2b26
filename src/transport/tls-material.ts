import type { TlsOptions } from '../options.ts'

type Material = string | Uint8Array
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

export function tlsMaterial({ ca, cert, key, pfx, checkServerIdentity, ...others }: TlsOptions): TlsMaterial {
  return {
    ...others,
    ...(ca !== undefined && { ca: materials(ca) }),
    ...(cert !== undefined && { cert: material(cert) }),
    ...(key !== undefined && { key: material(key) }),
    ...(pfx !== undefined && { pfx: material(pfx) }),
    ...(checkServerIdentity !== undefined && { checkServerIdentity: caught(checkServerIdentity) }),
  }
}

function materials(given: Material | readonly Material[]): (string | Buffer)[] {
  return typeof given === 'string' || given instanceof Uint8Array ? [material(given)] : given.map(material)
}

function material(value: Material): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
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
