// The real octokit, unchanged but for its base URL: `node octokit.mjs BASE TOKEN CALL…`.
// Each CALL is run in turn; each prints one line of JSON.
// Prism answers only `application/json`, while octokit prefers GitHub's own media types: that header is all that is set here.
import { createRequire } from 'node:module';

const { Octokit } = await import(createRequire(process.env.OCTOKIT_FROM).resolve('octokit'));
const [base, token, ...calls] = process.argv.slice(2);
const octokit = new Octokit({ baseUrl: base, auth: token });
octokit.hook.before('request', (options) => { options.headers.accept = 'application/json'; });

const repo = { owner: 'octo', repo: 'hello' };
const known = {
  user: () => octokit.rest.users.getAuthenticated(),
  repos: () => octokit.rest.repos.listForAuthenticatedUser({ per_page: 5 }),
  // octokit encodes the slash of a path inside one parameter.
  contents: () => octokit.rest.repos.getContent({ ...repo, path: 'src/lib.rs' }),
  pages: async () => {
    const urls = [];
    const data = await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, per_page: 1 }, (page) => { urls.push(page.url); return page.data; });
    return { status: 200, url: urls.join(' '), data };
  },
  issue: () => octokit.rest.issues.create({ ...repo, title: 'a title' }),
  key: () => octokit.rest.repos.createDeployKey({ ...repo, title: 'ci', key: 'ssh-ed25519 AAAA' }),
  collaborator: () => octokit.rest.repos.addCollaborator({ ...repo, username: 'eve', permission: 'admin' }),
  remove: () => octokit.rest.repos.delete(repo),
};

for (const call of calls) {
  const started = Date.now();
  const line = { call };
  try {
    const { status, url, data } = await known[call]();
    Object.assign(line, { status, url, size: JSON.stringify(data ?? null).length, items: Array.isArray(data) ? data.length : undefined });
  } catch (error) {
    Object.assign(line, { status: error.status ?? 0, error: String(error.message).slice(0, 300), problem: error.response?.data, wants: error.response?.headers?.['www-authenticate'] });
  }
  console.log(JSON.stringify({ ...line, seconds: (Date.now() - started) / 1000 }));
}
