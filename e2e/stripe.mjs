// The real stripe for node, unchanged but for where it calls: `node stripe.mjs PORT KEY CALL…`.
// Each CALL is run in turn; each prints one line of JSON. `refund=ID` refunds that payment.
import { createRequire } from 'node:module';

const { default: Stripe } = await import(createRequire(process.env.STRIPE_FROM).resolve('stripe'));
const [port, key, ...calls] = process.argv.slice(2);
// A time-out far below what a held call takes: the SDK tries again by itself.
const stripe = new Stripe(key, { host: '127.0.0.1', port, protocol: 'http', timeout: 4000, maxNetworkRetries: 8, telemetry: false });

const known = {
  list: () => stripe.customers.list({ limit: 3 }),
  create: () => stripe.customers.create({ email: 'node@example.org' }),
  show: (id) => stripe.customers.retrieve(id),
  refund: (id) => stripe.refunds.create({ payment_intent: id }),
};

for (const call of calls) {
  const [name, argument] = call.split('=');
  const line = { call: name };
  try {
    const data = await known[name](argument);
    Object.assign(line, { status: data.lastResponse.statusCode, object: data.object, id: data.id });
  } catch (error) {
    Object.assign(line, { status: error.statusCode ?? 0, error: String(error.message).slice(0, 200), raw: error.raw });
  }
  console.log(JSON.stringify(line));
}
