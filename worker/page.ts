/** `GET /` is a page to try the other routes by hand. */
import type { Env } from './env.ts'
import html from './page.html'
import { allowedOrigins } from './upstreams.ts'

export function page(_request: Request, env: Env): Response {
  const nonce = crypto.randomUUID()
  const upstreams = allowedOrigins(env).map((origin) => `<option value="${escaped(origin)}/"></option>`)
  // Given as functions, so that no "$" in a value means anything.
  const body = html.replaceAll('NONCE', () => nonce).replace('<!-- UPSTREAMS -->', () => upstreams.join(''))
  return new Response(body, { headers: headersWith(nonce) })
}

function headersWith(nonce: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
