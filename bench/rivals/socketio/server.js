// The rival: Express, pg and Socket.IO as their guides say. Node keeps the defaults; websocket is the only transport.
"use strict";

const express = require("express");
const http = require("node:http");
const net = require("node:net");
const { Pool } = require("pg");
const { Server } = require("socket.io");

const app = express();
const server = http.createServer(app);
const io = new Server(server, { transports: ["websocket"], serveClient: false });
io.on("connection", (socket) => socket.join("visits"));

// As bench/rivals/words.py: 1.5 kB, with bench-N in it once.
const BYTES = 1500;
const cell = (complaint) => `<td data-label="Reason">${complaint}</td>`;

function fragment(number, complaint = "Cough, since yesterday evening") {
  const start = `<tr id="visit-bench-${number}" data-v="1" data-lists="examination" data-sort="2-${String(number).padStart(8, "0")}">`;
  const room = BYTES - start.length - "</tr>".length;
  const cells = cell(complaint).repeat(Math.floor(room / cell(complaint).length));
  return `${start}${cells.padEnd(room)}</tr>`;
}

const publish = (number, complaint) => io.to("visits").emit("visit:created", fragment(number, complaint));

// --- fan-out: a number on each line is published ---------------------------------------------------------

net.createServer((client) => {
  let rest = "";
  client.on("data", (data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    lines.forEach((line) => publish(Number(line)));
  });
  client.on("error", () => client.destroy());
}).listen(Number(process.env.BENCH_CONTROL), "127.0.0.1");

// --- the whole way: a form, a row, a commit, a fragment ----------------------------------------------------

const pool = new Pool({ max: 10 });

app.get("/healthz", (request, response) => response.send("ok"));

app.post("/visits", express.urlencoded({ extended: false }), async (request, response) => {
  const { number, complaint } = request.body;
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query("INSERT INTO bench_visit (number, complaint) VALUES ($1, $2)", [number, complaint]);
    await client.query("COMMIT");
  } finally {
    client.release();
  }
  publish(number, complaint);
  response.redirect(303, "/visits");
});

server.listen(Number(process.env.PORT), "127.0.0.1", 4096);
