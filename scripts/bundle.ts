/**
 * Joins the modules of dist/ into the few files that Node, Deno and Bun load: to find and read a file takes longer than
 * to run what is in it. Bundlers for Workers get the modules, of which they leave out what is not used.
 */
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
/** As `package.json` has them. They are the same classes in all of them. */
const ENTRIES = ['index', 'frame', 'web/node-stream', 'web/websocket', 'web/websocketstream', 'cli/main']
/** Each is one file, and holds all that its module needs at once and that is in none before it. */
const GROUPS: Readonly<Record<string, string>> = { codec: 'frame', core: 'index' }
/** The name of a module of a group in itself, which only it may use. */
const GROUP_PREFIX = 'group:'

const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2023',
  platform: 'neutral',
  external: ['node:*', 'undici'],
  metafile: true,
} satisfies BuildOptions

const input = (module: string) => `dist/${module}.js`
/** A file's name in `dist/bundled`, where all lie side by side. */
const output = (module: string) => module.split('/').at(-1)!

/** What a module needs before it can run. */
async function neededBy(module: string): Promise<string[]> {
  const atOnce: Plugin = {
    name: 'at-once',
    setup: ({ onResolve }) => {
      onResolve({ filter: /./ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : undefined))
    },
  }
  const { metafile } = await build({ ...shared, entryPoints: [input(module)], write: false, plugins: [atOnce] })
  return Object.keys(metafile.inputs)
}

/** The group of each module that is in one, by the module's path. */
async function findGroups(): Promise<Map<string, string>> {
  const groups = new Map<string, string>()
  for (const [group, module] of Object.entries(GROUPS)) {
    for (const path of await neededBy(module)) if (!groups.has(path)) groups.set(path, group)
  }
  for (const entry of ENTRIES) groups.delete(input(entry))
  return groups
}

/** Has whatever is not in a group import it as the one file that it is. */
function grouped(groups: ReadonlyMap<string, string>): Plugin {
  const pathOf = (file: string) => relative(root, file)
  return {
    name: 'grouped',
    setup: (esbuild) => {
      esbuild.onResolve({ filter: new RegExp(`^${GROUP_PREFIX}`) }, ({ path }) => ({ path, namespace: 'group' }))
      esbuild.onLoad({ filter: /./, namespace: 'group' }, ({ path }) => {
        const group = path.slice(GROUP_PREFIX.length)
        const members = [...groups].filter(([, each]) => each === group).map(([member]) => member)
        const contents = members.map((member) => `export * from './${member}'`).join('\n')
        return { contents, resolveDir: root }
      })
      esbuild.onResolve({ filter: /^[.#]/ }, async ({ path, pluginData, ...origin }) => {
        if (pluginData === grouped) return undefined
        const found = await esbuild.resolve(path, { ...origin, pluginData: grouped })
        const group = groups.get(pathOf(found.path))
        const isWithin = origin.namespace === 'group' || groups.get(pathOf(origin.importer)) === group
        if (group === undefined || isWithin || found.errors.length > 0) return found
        return { path: `./${group}.js`, external: true, sideEffects: false }
      })
    },
  }
}

/** Adds `dist/bundled` to `dist`. */
export async function bundle(): Promise<void> {
  const groups = await findGroups()
  const outdir = resolve(root, 'dist/bundled')
  const { metafile } = await build({
    ...shared,
    entryPoints: [
      ...ENTRIES.map((module) => ({ in: input(module), out: output(module) })),
      ...Object.keys(GROUPS).map((group) => ({ in: GROUP_PREFIX + group, out: group })),
    ],
    outdir,
    splitting: true,
    sourcemap: true,
    plugins: [grouped(groups)],
  })
  for (const [group] of Object.entries(GROUPS)) await checkNames(group, groups, metafile.outputs)
}

/** Of two exports with one name a group would have neither. */
async function checkNames(
  group: string,
  groups: ReadonlyMap<string, string>,
  outputs: Readonly<Record<string, { readonly exports: readonly string[] }>>,
): Promise<void> {
  const exported = new Set(outputs[`dist/bundled/${group}.js`]!.exports)
  for (const [member, each] of groups) {
    if (each !== group) continue
    const names = Object.keys(await import(resolve(root, member)))
    const missing = names.find((name) => !exported.has(name))
    if (missing !== undefined) throw new Error(`${member}: another module of ${group} exports ${missing} as well`)
  }
}
