import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path/posix'
import { type Problem, error } from '../deps/problem.ts'
import type { Page } from './pages.ts'

const ROOTS = ['src', 'testing', 'test', 'tools', 'docs', 'examples', '.ci']
const ROOT_FILE = /^(sampan|[A-Z]+(\.md)?|[\w.-]+\.json)$/

/** Every path in backticks and every relative link of a page names something that exists. */
export function checkNamedPaths(root: string, pages: readonly Page[]): Problem[] {
  return pages.flatMap((page) =>
    pathsOf(page).flatMap(({ line, path }) =>
      existsSync(join(root, path)) ? [] : [error(page.path, line, `names '${path}', which does not exist`)],
    ),
  )
}

/** Paths from the root. A placeholder (`<kind>`, `*`, `…`, `{a,b}`) ends the path at the folder before it. */
export function pathsOf(page: Page): { readonly line: number; readonly path: string }[] {
  return page.text.split('\n').flatMap((text, at) => {
    const quoted = [...text.matchAll(/`([^`\s]+)`/g)].map((match) => match[1] ?? '').filter(looksLikePath)
    const linked = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => (match[1] ?? '').replace(/#.*$/, ''))
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .map((target) => normalize(join(dirname(page.path), target)))
    return [...quoted.map(untilPlaceholder), ...linked].map((path) => ({ line: at + 1, path }))
  })
}

function looksLikePath(text: string): boolean {
  const [first, ...rest] = text.split('/')
  return first !== undefined && (rest.length > 0 ? ROOTS.includes(first) : /\.(md|json)$/.test(text) && ROOT_FILE.test(text))
}

function untilPlaceholder(text: string): string {
  const parts = text.replace(/[:#].*$/, '').split('/')
  const placeholder = parts.findIndex((part) => /[<*…{]/.test(part))
  return (placeholder === -1 ? parts : parts.slice(0, placeholder)).join('/')
}
