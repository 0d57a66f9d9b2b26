/** The vitest project whose tests run inside workerd. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProjectInlineConfiguration } from 'vitest/config'
import { createAuthority } from '../support/certificates.ts'

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

export async function insideWorkerd(): Promise<TestProjectInlineConfiguration> {
  const authority = await createAuthority()
  const { cloudflareTest } = await importTrusting(authority.ca)
  return {
    plugins: [
      cloudflareTest({
        miniflare: {
          compatibilityDate: '2026-10-01',
          cf: false,
          modulesRules: [{ type: 'CompiledWasm', include: ['**/*.wasm'] }],
        },
      }),
    ],
    resolve: {
      alias: {
        hawser: path('../../src/index.ts'),
        '#platform': path('../../src/platform.workerd.ts'),
        // The servers of the global setup run in Node, where the ws for Workers, which is empty, is of no use.
        ws: path('../../node_modules/ws/wrapper.mjs'),
      },
    },
    test: {
      name: 'workerd',
      include: ['test/workerd/**/*.workerd.ts'],
      globalSetup: path('global-setup.ts'),
      provide: { certificate: await authority.issue() },
      testTimeout: 20_000,
    },
  }
}

/**
 * The plugin, whose workerd will trust this authority. That can be said only by a variable, which is read when
 * Miniflare is loaded; no longer, since the tests in Node inherit it.
 */
async function importTrusting(ca: string): Promise<typeof import('@cloudflare/vitest-plugin')> {
  const before = process.env['NODE_EXTRA_CA_CERTS']
  const directory = await mkdtemp(join(tmpdir(), 'hawser-ca-'))
  const file = join(directory, 'ca.pem')
  await writeFile(file, ca)
  process.env['NODE_EXTRA_CA_CERTS'] = file
  try {
    return await import('@cloudflare/vitest-plugin')
  } finally {
    if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS']
    else process.env['NODE_EXTRA_CA_CERTS'] = before
    await rm(directory, { recursive: true })
  }
}
